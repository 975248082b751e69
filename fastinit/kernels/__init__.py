"""How a law becomes machine code that fills memory.

row, rows -> tiles over targets -> machine, cache; fill over memory is the loop that calls them; threads, cpus share its work.
"""
