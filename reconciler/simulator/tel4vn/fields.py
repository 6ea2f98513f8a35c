"""The fields of a TEL4VN campaign, as the vendor's samples have them before and after a create and a PUT."""

from reconciler.simulator.vendor import Fields

from .schedule import WEEK

TYPES = ("autodialer", "autocall", "inbound", "manual")
NETWORK = {"viettel": 0, "mobi": 0, "vina": 0, "tel": 0, "offnet": 0}
RECALL_STATUS = [
    "answered",
    "busy",
    "failed",
    "no-answered",
    "not-available",
    "voicemail",
    "invalid-number",
    "phone-block",
    "congestion",
]
IDENTITY = ("campaign_name", "type")
"""What a create and a PUT require."""
ASSIGNMENTS = ("users", "groups", "statuses")

ZERO: Fields = {
    "campaign_name": "",
    "type": "",
    "description": "",
    "active": False,
    "concurrent_call": 0,
    "carrier_uuid": "",
    "template_uuid": "",
    "recall_times": 0,
    "limit_recall_duration": 0,
    "schedule_recall": "",
    "schedule_recall_duration": 0,
    "hopper": 0,
    "answer_callback_url": "",
    "local_start_time": "",
    "local_end_time": "",
    "customer_order": "",
    "allow_manual_dial": False,
    "allow_search_lead": False,
    "enable_callback_alert": False,
    "status": "",
    "call_center_queue_strategy": "",
    "mode_call": "",
    "network": NETWORK,
    "type_autocall": "",
    "call_timeout": 0,
    "users": None,
    "groups": None,
    "statuses": None,
    "schedules": [],
    "priority_recall": "",
    "recall_status": None,
    "enable_encrypt": False,
    "callback_url": "",
    "orig_campaign_uuid": "",
}
"""Every field a PUT sets, with what it becomes when left out: read after two sample PUTs that left fields out."""

SURVIVES: Fields = {"ratio": 0}
"""Left out of a sample PUT and read as before."""

DEFAULTS: Fields = {
    "active": True,
    "ratio": 100,
    "schedule_recall": "after",
    "hopper": 20,
    "local_start_time": "00:00:00",
    "local_end_time": "23:59:59",
    "customer_order": "id",
    "allow_manual_dial": True,
    "allow_search_lead": True,
    "enable_callback_alert": True,
    "mode_call": "direct",
    "call_timeout": 60,
    "schedules": [WEEK],
    "priority_recall": "normal",
    "recall_status": RECALL_STATUS,
}
"""What two sample campaigns that were never edited have: inferred to be the defaults of a create."""

CREATE = frozenset(
    {"campaign_name", "type", "type_autocall", "concurrent_call", "template_uuid", "description", "ratio"}
)
"""What a create takes; everything else of its body is without effect."""

READ_ONLY: Fields = {
    "call_center_queue_uuid": "",
    "default_list_uuid": "",
    "script_uuid": "",
    "run_id": "",
    "domain_name": "",
}
