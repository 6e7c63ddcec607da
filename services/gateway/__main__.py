"""Run the gateway: `python -m services.gateway`."""

from services.gateway.serving import serve
from services.gateway.settings import GatewaySettings

if __name__ == "__main__":
    serve(GatewaySettings())
