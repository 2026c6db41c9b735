"""What the programs of a release accept: their command lines and template placeholders, as data with sources."""

from environment.contracts.catalogue import Unread, contract, placeholders, templates, tools
from environment.contracts.record import Contract, Option
from environment.contracts.templates import Placeholder, Templates

__all__ = ["Contract", "Option", "Placeholder", "Templates", "Unread", "contract", "placeholders", "templates", "tools"]
