"""What campaigns of the simulated TEL4VN tenant point to: carriers, templates, gateways, users."""

from collections.abc import Callable

from starlette.responses import Response
from starlette.routing import Route

from reconciler.simulator.vendor import Call, Fields, reply

from .account import Account, absent, fixed_uuid, new_uuid

KINDS = ("carrier", "template", "gateway", "user")


class Table:
    """The objects of one kind."""

    def __init__(self, kind: str, domain_uuid: str) -> None:
        self._kind = kind
        self._domain_uuid = domain_uuid
        self.rows: dict[str, Fields] = {}

    def add(self, fields: Fields, id: str | None = None) -> str:
        """Put an object in, in the place of the one with that uuid; its uuid."""
        id = id or new_uuid()
        self.rows[id] = {"domain_uuid": self._domain_uuid, f"{self._kind}_uuid": id} | fields
        return id

    def change(self, id: str, fields: Fields) -> None:
        self.rows[id].update(fields)

    def remove(self, id: str) -> None:
        del self.rows[id]


class References:
    """One table per kind, and the calls on them."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.tables = {kind: Table(kind, account.domain_uuid) for kind in KINDS}

    def routes(self) -> list[Route]:
        guarded = self._account.guarded
        return [
            guarded("GET", "/v3/carrier", self._list("carrier")),
            guarded("POST", "/v3/carrier", self._create_carrier),
            guarded("PUT", "/v3/carrier/{uuid}", self._replace_carrier),
            guarded("DELETE", "/v3/carrier/{uuid}", self._delete_carrier),
            guarded("GET", "/v3/template", self._list("template")),
            guarded("POST", "/v3/template", self._create_template),
            guarded("GET", "/v3/template/{uuid}", self._read_template),
            guarded("PUT", "/v3/template/{uuid}", self._replace_template),
            guarded("DELETE", "/v3/template/{uuid}", self._delete_template),
            guarded("GET", "/v3/gateway", self._list("gateway")),
            guarded("GET", "/v3/user", self._list("user")),
        ]

    def _list(self, kind: str) -> Callable[[Call], Response]:
        """GET list; only templates have a filter, by name."""

        def answer(call: Call) -> Response:
            wanted = call.query.get("template_name") if kind == "template" else None
            rows = [row for row in self.tables[kind].rows.values() if wanted in (None, row.get(f"{kind}_name"))]
            return self._account.page(kind, call, rows, _shown_template if kind == "template" else dict)

        return answer

    def _refuse_taken(self, kind: str, name: str, id: str | None, text: str) -> None:
        for row in self.tables[kind].rows.values():
            if row[f"{kind}_name"] == name and row[f"{kind}_uuid"] != id:
                raise self._account.taken(text)

    def _carrier_fields(self, call: Call, id: str | None) -> Fields:
        fields = call.fields()
        required = ("carrier_name", "gateway_uuid", "concurrent_call", "dial_type")
        self._account.require(absent(fields, *required))
        self._refuse_taken("carrier", fields["carrier_name"], id, "carrier_name is exists")
        return fields

    def _create_carrier(self, call: Call) -> Response:
        return reply({"carrier_uuid": self.tables["carrier"].add(self._carrier_fields(call, None)), "created": True})

    def _replace_carrier(self, call: Call) -> Response:
        id = call.params["uuid"]
        self._account.find(self.tables["carrier"].rows, id)
        self.tables["carrier"].add(self._carrier_fields(call, id), id)
        return reply({"carrier_uuid": id})

    def _delete_carrier(self, call: Call) -> Response:
        """The only sample answers `created` and a uuid that is not the one asked for."""
        if self.tables["carrier"].rows.pop(call.params["uuid"], None) is None:
            raise self._account.missing("carrier_name is not exists")
        return reply({"carrier_uuid": fixed_uuid("deleted carrier"), "created": True})

    def _template_fields(self, call: Call, id: str | None) -> Fields:
        fields = call.fields()
        self._account.require(absent(fields, "template_name"))
        self._refuse_taken("template", fields["template_name"], id, "template is existed!")
        return fields

    def _create_template(self, call: Call) -> Response:
        id = self.tables["template"].add(self._template_fields(call, None))
        return reply({"created": "true", "template_uuid": id})

    def _read_template(self, call: Call) -> Response:
        return reply(_shown_template(self._template(call)))

    def _replace_template(self, call: Call) -> Response:
        id = self._template(call)["template_uuid"]
        self.tables["template"].add(self._template_fields(call, id), id)
        return reply({"created": True, "template_uuid": id, "updated": "true"})

    def _delete_template(self, call: Call) -> Response:
        id = self._template(call)["template_uuid"]
        self.tables["template"].remove(id)
        return reply({"deleted": "true", "template_uuid": id})

    def _template(self, call: Call) -> Fields:
        return self._account.find(self.tables["template"].rows, call.params["uuid"])


def _shown_template(row: Fields) -> Fields:
    """As read: `press_options` is written as a list of options and read as a list of {key: option}."""
    shown = {name: value for name, value in row.items() if name != "domain_uuid"}
    if options := row.get("press_options"):
        shown["press_options"] = [{option.get("press_num", ""): _without_key(option)} for option in options]
    return shown


def _without_key(option: Fields) -> Fields:
    return {name: option[name] for name in ("content", "audio_file", "voice_type") if name in option}
