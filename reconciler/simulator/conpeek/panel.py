"""What somebody clicks in the Conpeek panel, and calls that happen there. No HTTP."""

from dataclasses import replace

from reconciler.simulator.vendor import Fields

from .account import Account, Campaign


class Panel:
    """Edits over one account, by kind.

    | kind | id | fields |
    |---|---|---|
    | voice_campaign, voice_sms_campaign | 24 hex | name, project_id, project_name, dialing_method |
    | request | 24 hex | any of a request; on a new one also `voice_campaign_id` |
    | announcement, voice_definition | 24 hex | name |
    | call | phone number | `{}`: it rings; else the call is over, with these fields of the request |
    """

    def __init__(self, account: Account) -> None:
        self._account = account

    def edit(self, kind: str, id: str | None, fields: Fields | None) -> str:
        """Returns the object's id; LookupError for an unknown kind or id."""
        account = self._account
        match kind:
            case "voice_campaign":
                return self._campaign(account.voice, id, fields)
            case "voice_sms_campaign":
                return self._campaign(account.sms, id, fields)
            case "request":
                return self._request(id, fields)
            case "announcement":
                return self._named(account.announcements, id, fields)
            case "voice_definition":
                return self._named(account.voices, id, fields)
            case "call":
                return self._call(id, fields)
        raise LookupError(f"no kind {kind!r}")

    def _campaign(self, campaigns: dict[str, Campaign], id: str | None, fields: Fields | None) -> str:
        if id is None:
            id = self._account.new_id()
            campaigns[id] = Campaign(id, **(fields or {}))
        elif fields is None:
            del campaigns[id]
        else:
            campaigns[id] = replace(campaigns[id], **fields)
        return id

    def _request(self, id: str | None, fields: Fields | None) -> str:
        if id is None:
            fields = {**(fields or {})}
            campaign = self._account.voice[fields.pop("voice_campaign_id")]
            return str(self._account.add(campaign, fields)["id"])
        for campaign in self._account.voice.values():
            if id in campaign.requests:
                if fields is None:
                    del campaign.requests[id]
                else:
                    self._account.edit(campaign.requests[id], fields)
                return id
        raise LookupError(f"no request {id!r}")

    def _named(self, names: dict[str, str], id: str | None, fields: Fields | None) -> str:
        if fields is None:
            del names[id or ""]
            return id or ""
        id = id or self._account.new_id()
        names[id] = fields["name"]
        return id

    def _call(self, number: str | None, fields: Fields | None) -> str:
        if number is None:
            raise LookupError("a call needs a number")
        self._account.ring(number, fields or {})
        return number
