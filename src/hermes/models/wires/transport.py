"""What it means when the network fails, in words and as a failure."""

import socket
import ssl
from urllib.parse import urlsplit

import aiohttp

from hermes.models.contract import Endpoint, ModelFailure


def address_of(endpoint: Endpoint) -> str:
    """Host and port, as people write them."""
    try:
        parts = urlsplit(endpoint.base_url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return endpoint.base_url
    host = parts.hostname or endpoint.base_url
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def transport_failure(error: Exception, endpoint: Endpoint) -> ModelFailure:
    """The failure behind an exception of the HTTP client or the socket. One sentence, with host and port."""
    where = f"{endpoint.provider} at {address_of(endpoint)}"
    if isinstance(error, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        said = f"'{endpoint.base_url}' is no http(s) address; correct the base_url of {endpoint.provider}."
        return ModelFailure(reason="bad_request", message=said, fall_back=True)
    if isinstance(error, TimeoutError):
        return _timeout(error, endpoint, where)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return _name_not_found(error, endpoint)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        reason = getattr(error.certificate_error, "verify_message", "") or "it was refused"
        said = (
            f"The TLS certificate of {where} can't be trusted: {reason}; fix the certificate or the base_url."
        )
        return ModelFailure(reason="tls", message=said)
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        said = (
            f"No TLS connection to {where} is possible; check whether its base_url should begin with http://."
        )
        return ModelFailure(reason="tls", message=said, fall_back=True)
    if isinstance(error, aiohttp.ClientConnectorError):
        return _not_reached(error, endpoint, where)
    detail = " (TLS failed)" if isinstance(error, ssl.SSLError) else ""
    said = f"{where} closed the connection before its reply was complete{detail}; it can be tried again."
    return ModelFailure(reason="connection", message=said, retryable=True, fall_back=True)


def _timeout(error: TimeoutError, endpoint: Endpoint, where: str) -> ModelFailure:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        limit = f"{endpoint.connect_timeout:g} seconds"
        said = f"{where} did not accept a connection within {limit}; check the address and the network."
    elif isinstance(error, aiohttp.SocketTimeoutError):
        limit = f"{endpoint.stall_timeout:g} seconds"
        said = f"{where} sent nothing for {limit}, so the request was given up; it can be tried again."
    else:
        limit = f"{endpoint.request_timeout:g} seconds"
        said = f"{where} did not finish its reply within {limit}; ask for less or raise the request timeout."
    return ModelFailure(reason="timeout", message=said, retryable=True, fall_back=True)


def _name_not_found(error: aiohttp.ClientConnectorDNSError, endpoint: Endpoint) -> ModelFailure:
    said = (
        f"The host name of {endpoint.provider} at {address_of(endpoint)} can't be resolved; "
        "check the network and the base_url."
    )
    cause = error.os_error.__cause__ or error.os_error
    for_good = isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_NONAME
    return ModelFailure(reason="connection", message=said, retryable=not for_good, fall_back=True)


def _not_reached(error: aiohttp.ClientConnectorError, endpoint: Endpoint, where: str) -> ModelFailure:
    """A server of this machine that does not listen is not started; waiting would only hide that."""
    refused = isinstance(error.os_error, ConnectionRefusedError)
    if refused:
        said = f"Nothing listens at {where}; start the server or correct the base_url."
    else:
        said = f"{where} can't be reached ({error.os_error.strerror or error.os_error}); check the network."
    waiting_helps = not (refused and endpoint.local)
    return ModelFailure(reason="connection", message=said, retryable=waiting_helps, fall_back=True)
