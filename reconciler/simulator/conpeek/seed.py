"""The small world a Conpeek account starts with: objects that nobody declared. Ids and numbers are the vendor's samples."""

from .account import Account, Campaign

VOICE, SMS = "5b7c389fe8df7b60af688989", "5b7c389fe8df7b60af688990"
ANNOUNCEMENT = "5b7c78389fe80f7b60af688989"
VOICE_DEFINITION = "5b3c78874fe80f7c60af632189"


def seed(account: Account) -> None:
    """A voice campaign with an open and a closed request, a voice-SMS campaign, and what they refer to.

    No number is in two places.
    """
    account.users |= {7: "j.doe"}
    account.announcements[ANNOUNCEMENT] = "Zapowiedź"
    account.voices[VOICE_DEFINITION] = "Ewa"
    account.voice[VOICE] = Campaign(VOICE, "Kampania głosowa")
    account.sms[SMS] = Campaign(SMS, "Kampania głosowa sms")
    account.add(account.voice[VOICE], {"contact_number": "48987654321", "name": "Sprawa z panelu"})
    closed = account.add(account.voice[VOICE], {"contact_number": "123123123", "custom": {"issue_id": "XYZ-ABC-01"}})
    account.edit(closed, {"state": "CLOSED", "application_state": "CLOSED", "contact_try": 1})
    account.add_sms(account.sms[SMS], {"contact_number": "48123123124"})
