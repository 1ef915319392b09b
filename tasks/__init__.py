"""The steps: Prefect tasks."""
