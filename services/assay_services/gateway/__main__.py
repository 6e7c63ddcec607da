"""Run the gateway: `python -m assay_services.gateway`."""

from assay_services.gateway.app import serve
from assay_services.gateway.settings import GatewaySettings

if __name__ == "__main__":
    serve(GatewaySettings())
