"""What the value of a setting may be: kinds of text and of number, each of which refuses what it is not."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from dmha.checks import check_zone
from dmha.errors import InvalidInput, OutOfBounds

MOST_CHARACTERS = 8_192  # twice the longest path that Linux opens

_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")  # bytes that are not UTF-8 come as surrogates


def _line(text: str) -> str:
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"it has {len(text)} characters, over the limit of {MOST_CHARACTERS}")
    if _UNFIT.search(text):
        raise ValueError("it holds a line break, a control character or bytes that are not UTF-8")
    return text


def _secret_line(secret: SecretStr) -> SecretStr:
    _line(secret.get_secret_value())
    return secret


def _no_truth(value: object) -> object:
    if isinstance(value, bool):  # which Python counts among the numbers
        raise ValueError("it should be a number")
    return value


def _parted(value: object) -> object:
    return tuple(filter(None, map(str.strip, _line(value).split(",")))) if isinstance(value, str) else value


def _zone(name: str) -> str:
    try:
        return check_zone("zone", name)
    except (InvalidInput, OutOfBounds) as error:
        raise ValueError("there is no such zone") from error


def _network(address: str) -> str:
    ipaddress.ip_network(_line(address))
    return address


_NAME, _IPV6 = "[A-Za-z0-9.-]{1,253}", "[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]{0,40}"

Text = Annotated[str, AfterValidator(_line)]
Secret = Annotated[SecretStr, AfterValidator(_secret_line)]
Zone = Annotated[Text, AfterValidator(_zone)]
Whole = Annotated[int, BeforeValidator(_no_truth)]
Seconds = Annotated[float, BeforeValidator(_no_truth), Field(gt=0, le=3_600)]
Rate = Annotated[str, Field(pattern="^[1-9][0-9]{0,8}/(second|minute|hour|day)$")]
Host = Annotated[str, Field(pattern=f"^({_NAME}|{_IPV6})$")]

_TrustedHost = Annotated[str, Field(pattern=rf"^(\*|(\*\.)?{_NAME}|\[{_IPV6}\])$")]
_Origin = Annotated[str, Field(pattern=rf"^https?://({_NAME}|\[{_IPV6}\])(:[0-9]{{1,5}})?$")]
_Network = Annotated[str, AfterValidator(_network)]

TrustedHosts = Annotated[tuple[_TrustedHost, ...], BeforeValidator(_parted)]
Origins = Annotated[tuple[_Origin, ...], BeforeValidator(_parted)]
Networks = Annotated[tuple[_Network, ...], BeforeValidator(_parted)]
