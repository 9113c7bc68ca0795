"""The names of AWS's services as hosts."""

from __future__ import annotations

# By how a region's name begins (botocore's partitions.json).
SUFFIXES = {
    "cn-": "amazonaws.com.cn",
    "us-isob-": "sc2s.sgov.gov",
    "us-isof-": "csp.hci.ic.gov",
    "us-iso-": "c2s.ic.gov",
    "eu-isoe-": "cloud.adc-e.uk",
    "eusc-": "amazonaws.eu",
}


def service_host(service: str, region: str) -> str:
    suffix = next((suffix for begin, suffix in SUFFIXES.items() if region.startswith(begin)), "amazonaws.com")
    return f"{service}.{region}.{suffix}"
