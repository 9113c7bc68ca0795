"""Executes the steps for a layer of tools, which both ways to deploy have."""

from __future__ import annotations

from .cloud import Cloud
from .console import Console
from .steps import DeleteLayer, PublishTools


def publish(step: PublishTools, cloud: Cloud, console: Console) -> str:
    """Return the version's ARN. Raises DeployError."""
    console.say(f"Publishing the layer {step.layer}: {step.archive.names}.")
    return cloud.publish(step.layer, step.archive.data, step.architectures.split(","), step.archive.digest)


def delete(step: DeleteLayer, cloud: Cloud, console: Console) -> None:
    """Raises DeployError."""
    console.say(f"Deleting version {step.version} of the layer {step.layer}.")
    cloud.delete_layer(step.layer, step.version)
