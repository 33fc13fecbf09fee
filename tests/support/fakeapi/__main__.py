"""``python -m support.fakeapi``: the fake API server over HTTP, for benchmarks and for looking around by hand."""

import argparse
import asyncio
import gc

from support.builders import pod
from support.fakeapi import FakeAPI
from support.fakeapi.http import HTTPServer, serve_forever


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m support.fakeapi", description="A fake Kubernetes API server on the loopback interface.")
    parser.add_argument("--port", type=int, default=8001, help="where to listen (default: %(default)s)")
    parser.add_argument("--pods", type=int, default=0, help="pods that are there from the start, in forty namespaces (default: none)")
    parser.add_argument("--annotated", action="store_true", help="they ask for a name")
    parser.add_argument("--write-delay", type=float, default=0.0, metavar="SECONDS", help="time each write takes (default: none)")
    parser.add_argument("--no-watch-list", action="store_true", help="refuse streamed lists, as servers before 1.32 do")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> None:
    api = FakeAPI()
    api.watch_list = not arguments.no_watch_list
    for number in range(arguments.pods):
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        api.add(pod(f"pod-{number:06}", namespace=f"team-{number % 40:02}", annotated=arguments.annotated, ips=(address,)))
    if arguments.write_delay:
        api.delay(arguments.write_delay, "write")
    gc.freeze()
    server = HTTPServer(api, port=arguments.port)
    print(f"http://127.0.0.1:{arguments.port}", flush=True)
    await serve_forever(server)


if __name__ == "__main__":
    asyncio.run(_serve(_arguments()))
