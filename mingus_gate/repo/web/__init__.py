"""HTTP as facts: what answers tell browsers, what stands before the application, and what it calls itself."""
