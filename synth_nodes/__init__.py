"""From no data to a policy that drives a mobile robot safely."""

__version__ = '0.1.0'
