"""Estimates the cost of Lambda in US dollars, without free tier, discounts and storage above 512 MB.

First-tier prices of AWS's Price List API, offer AWSLambda, as published on 2026-09-19 and quoted by others; several
sources agree; none was read at AWS itself (https://aws.amazon.com/lambda/pricing/). A region that is missing here has
no price, rather than a wrong one.
"""

from __future__ import annotations

from types import MappingProxyType

# US dollars per GB-second, by architecture as Lambda names it.
USUAL = MappingProxyType({"x86_64": 0.0000166667, "arm64": 0.0000133334})
USUAL_REGIONS = frozenset(
    {
        *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1"),
        *("ap-southeast-1", "ap-southeast-2", "ap-southeast-3"),
        *("ca-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2"),
        *("eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3"),
    }
)
OTHERS = MappingProxyType(
    {
        "af-south-1": {"x86_64": 0.0000221, "arm64": 0.00001768},
        "ap-east-1": {"x86_64": 0.00002292, "arm64": 0.0000183},
        "eu-south-1": {"x86_64": 0.0000195172, "arm64": 0.0000156138},
        "me-south-1": {"x86_64": 0.0000206667, "arm64": 0.0000165334},
    }
)
# Per request. Four regions charge more.
REQUEST = 0.0000002
OTHER_REQUESTS = MappingProxyType(
    {"af-south-1": 0.00000027, "ap-east-1": 0.00000028, "eu-south-1": 0.00000023, "me-south-1": 0.00000025}
)
# Per GB of memory of each new environment of a tenant. Known for the usual regions only.
TENANT = MappingProxyType({"x86_64": 0.000166667, "arm64": 0.000133333})


def cost_usd(
    billed_ms: float | None,
    memory_mb: float | None,
    architecture: str | None,
    region: str,
    *,
    invocations: int = 1,
    tenant_environments: int = 0,
) -> float | None:
    """The cost of invocations, or None if a price or a figure is not known."""
    prices = USUAL if region in USUAL_REGIONS else OTHERS.get(region)
    if prices is None or architecture is None or architecture not in prices or billed_ms is None or memory_mb is None:
        return None
    if tenant_environments and region not in USUAL_REGIONS:
        return None
    gb = memory_mb / 1024
    requests = invocations * OTHER_REQUESTS.get(region, REQUEST)
    return billed_ms / 1000 * gb * prices[architecture] + requests + tenant_environments * gb * TENANT[architecture]


def dollars(usd: float) -> str:
    """Such as `$0.10` or `$0.0000123`."""
    digits = f"{usd:,.7f}".rstrip("0")
    return f"${digits.ljust(digits.index('.') + 3, '0')}"
