"""The shop's commands: `python -m deployments.shop --help`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from deployments.shop import control, faults, load, running
from deployments.shop.layout import HOST, SERVICES, Shop
from domain.errors import SreError

home_option = click.option(
    "--home", type=click.Path(path_type=Path, file_okay=False), default=Path(".sre"), help="Folder that the shop is in."
)
service_option = click.option("--service", type=click.Choice(list(SERVICES)), default="payments", show_default=True)
fault_argument = click.argument("name", type=click.Choice(list(faults.KINDS)))


@click.group(epilog="Example: python -m deployments.shop up --kafka localhost:9092 --topic system-logs")
def cli() -> None:
    """Four small services to watch, and the faults to inject into them."""


@cli.command(epilog="Example: python -m deployments.shop up --kafka localhost:9092 --rate 50")
@click.option("--kafka", "bootstrap", required=True, help="Kafka brokers, host:port.")
@click.option("--topic", default="system-logs", show_default=True)
@click.option("--rate", type=click.FloatRange(0.1, 500), default=20.0, show_default=True, help="Requests per second.")
@home_option
def up(bootstrap: str, topic: str, rate: float, home: Path) -> None:
    """Start the services and steady traffic; nothing happens when they run already."""
    shop = running.up(home, bootstrap=bootstrap, topic=topic, rate=rate)
    click.echo(f"shop is up: http://{HOST}:{shop.ports['gateway']}/catalogue, supervisord at {shop.supervisord}")


@cli.command(epilog="Example: python -m deployments.shop down")
@home_option
def down(home: Path) -> None:
    """Stop everything."""
    running.down(home)
    click.echo("shop is down")


@cli.command(epilog="Example: python -m deployments.shop status --json")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@home_option
def status(home: Path, *, as_json: bool) -> None:
    """Show each process that is not kept in reserve, its faults and what it measures."""
    shop = control.existing(home)
    rows = [
        {"name": info.name, "state": info.state.name, "pid": info.pid, **_worker(shop, info.process)}
        for info in running.server(shop).processes()
        if info.state is not info.state.STOPPED
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        click.echo(f"{row['name']:24} {row['state']:9} {row['pid']:7} {row.get('faults', '')}")


@cli.group()
def fault() -> None:
    """Inject a fault, or clear it."""


@fault.command(
    epilog="Faults: "
    + "; ".join(f"{name}, {kind.amount:g} {kind.meaning}" for name, kind in faults.KINDS.items())
    + ". Example: python -m deployments.shop fault inject memory-leak --service payments"
)
@fault_argument
@service_option
@click.option("--amount", type=click.FloatRange(0, 1000), help="How much of it; each fault has its own default.")
@click.option("--sticky", is_flag=True, help="Leave it in place: each start of the service enters it again.")
@click.option("--heals-after", type=click.FloatRange(min=0), help="Seconds after which it ends by itself.")
@home_option
def inject(
    name: str, service: str, amount: float | None, heals_after: float | None, home: Path, *, sticky: bool
) -> None:
    """Inject a fault into every running worker of a service."""
    reached = control.inject(home, control.Injection(name, service, sticky, amount, heals_after))
    click.echo(f"{name} in {', '.join(reached)}")


@fault.command(epilog="Example: python -m deployments.shop fault clear memory-leak --service payments")
@fault_argument
@service_option
@home_option
def clear(name: str, service: str, home: Path) -> None:
    """Clear a fault in every worker, and take it away where it was left in place."""
    reached = control.clear(home, name, service)
    click.echo(f"{name} cleared in {', '.join(reached) or 'no running worker'}")


@cli.command(epilog="Example: python -m deployments.shop traffic off")
@click.argument("state", type=click.Choice(["on", "off"]))
@home_option
def traffic(state: str, home: Path) -> None:
    """End the steady traffic that `up` starts, or begin it again; the services go on."""
    running.set_traffic(control.existing(home), on=state == "on")
    click.echo(f"traffic is {state}")


@cli.command("load", epilog="Example: python -m deployments.shop load --rate 50 --seconds 30")
@click.option("--rate", type=click.FloatRange(0.1, 500), default=20.0, show_default=True, help="Requests per second.")
@click.option("--seconds", type=float, help="How long; for ever without it.")
@home_option
def load_command(rate: float, seconds: float | None, home: Path) -> None:
    """Send more traffic, beside the steady one that `up` starts."""
    well, badly = load.run(control.existing(home).ports["gateway"], rate=rate, seconds=seconds)
    click.echo(f"{well} requests went well, {badly} did not")


def _worker(shop: Shop, process: str) -> dict[str, object]:
    """What a process of a service says about itself; the load generator has no control port."""
    document = control.look(shop, process) if process in shop.control else {}
    return {key: value for key, value in document.items() if key != "pid"}


def main() -> None:
    """Run the command line; an error of ours is one line."""
    try:
        cli(prog_name="python -m deployments.shop")
    except SreError as error:
        click.echo(f"shop: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
