# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policy: what a site expects of a node, as frozen dataclasses; Ansible's argument specs are derived from them.

A field's type says what the option takes: bool, int, float, str, their ``Optional``, a ``Tuple[str, ...]``, a
``Mapping[str, ...]``, or a ``Tuple`` of another policy dataclass (a list of dictionaries); ``choices`` are metadata.
A dataclass refuses what cannot be meant with :class:`PolicyError` in ``__post_init__``.
"""

from __future__ import annotations

import dataclasses
import math
import types
from typing import Any, Dict, Mapping, Tuple, Type, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


class PolicyError(ValueError):
    """An option that cannot be meant; names the option."""

    def __init__(self, option: str, said: str) -> None:
        super().__init__("%s: %s" % (option, said))
        self.option = option
        self.said = said


def argument_spec(policy: Type[Any]) -> Dict[str, Dict[str, Any]]:
    """The policy's options as Ansible's argument_spec has them."""
    hints = get_type_hints(policy)
    spec: Dict[str, Dict[str, Any]] = {}
    for field in dataclasses.fields(policy):
        kind, element, _optional = _shape(hints[field.name])
        option: Dict[str, Any] = {}
        if kind is tuple:
            option["type"] = "list"
            option["elements"] = "dict" if _is_policy(element) else element.__name__
            if option["elements"] == "dict":
                option["options"] = argument_spec(element)
        elif kind is dict:
            option["type"] = "dict"
        else:
            option["type"] = kind.__name__
        if field.metadata.get("choices"):
            option["choices"] = list(field.metadata["choices"])
        default = _default(field)
        if default is dataclasses.MISSING:
            option["required"] = True
        elif default is not None:
            option["default"] = list(default) if kind is tuple else dict(default) if kind is dict else default
        spec[field.name] = option
    return spec


def build(policy: Type[T], options: Mapping[str, Any], where: str = "") -> T:
    """The policy from options as a person gave them; a name or a value that cannot be meant is a PolicyError."""
    hints = get_type_hints(policy)
    names = set(hints)
    for name in options:
        if name not in names:
            raise PolicyError(where + name, "no such option; there are %s" % ", ".join(sorted(names)))
    given: Dict[str, Any] = {}
    for name, value in options.items():
        if value is not None:
            given[name] = _value(hints[name], value, where + name)
    try:
        return policy(**given)
    except PolicyError as error:
        raise PolicyError(where + error.option, error.said) from None
    except TypeError as error:
        raise PolicyError(where.rstrip(".") or policy.__name__, str(error)) from None


def _value(hint: Any, value: Any, where: str) -> Any:
    kind, element, _optional = _shape(hint)
    if kind is tuple:
        if isinstance(value, (str, bytes, Mapping)) or not hasattr(value, "__iter__"):
            raise PolicyError(where, "a list is wanted, not %r" % (value,))
        if _is_policy(element):
            return tuple(_record(element, item, "%s[%d]" % (where, at)) for at, item in enumerate(value))
        return tuple(_scalar(element, item, "%s[%d]" % (where, at)) for at, item in enumerate(value))
    if kind is dict:
        if not isinstance(value, Mapping):
            raise PolicyError(where, "a dictionary is wanted, not %r" % (value,))
        if not all(str(key).strip() for key in value):
            raise PolicyError(where, "a key is empty")
        return {str(key): _scalar(element, item, "%s.%s" % (where, key)) for key, item in value.items()}
    return _scalar(kind, value, where)


def _record(policy: Type[Any], value: Any, where: str) -> Any:
    if not isinstance(value, Mapping):
        raise PolicyError(where, "a dictionary is wanted, not %r" % (value,))
    return build(policy, value, where + ".")


def _scalar(kind: Any, value: Any, where: str) -> Any:
    if kind is bool:
        if isinstance(value, bool):
            return value
        raise PolicyError(where, "true or false is wanted, not %r" % (value,))
    if kind is Any:
        return value
    if isinstance(value, (bool, Mapping, list, tuple)):
        raise PolicyError(where, "%s is wanted, not %r" % (kind.__name__, value))
    try:
        scalar = kind(value)
    except (TypeError, ValueError, OverflowError):
        scalar = None
    # a number that is none, and one that int would cut, cannot be meant
    lossy = isinstance(value, float) and scalar != value and kind is not str
    if scalar is None or lossy or (kind is float and not math.isfinite(scalar)):
        raise PolicyError(where, "%s is wanted, not %r" % (kind.__name__, value))
    return scalar


def _shape(hint: Any) -> Tuple[Any, Any, bool]:
    """(kind, kind of the elements, may be None) of a type hint."""
    origin: Any = get_origin(hint)
    arguments: Tuple[Any, ...] = get_args(hint)
    if origin in (Union, getattr(types, "UnionType", Union)):
        kind, element, _none = _shape(next(one for one in arguments if one is not type(None)))
        return kind, element, True
    if origin is tuple:
        return tuple, arguments[0], False
    if origin is not None and issubclass(origin, Mapping):
        return dict, arguments[1], False
    return hint, None, False


def _is_policy(kind: Any) -> bool:
    return dataclasses.is_dataclass(kind)


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default
