"""Plans: frozen lists of jobs with edges, their rows, fingerprints, outlines and forecasts.

Owns what is planned and how it is named. Refuses clocks, HTTP and SQL, and knows no entry kind: workflows fill it.
"""
