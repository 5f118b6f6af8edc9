"""Prometheus metrics: their definitions, and the wrappers that count calls of the ports.

Imported only with METRICS=true, and once the folder of `shared` exists.
"""
