"""What TEL4VN's own pages show, as data: requests, replies and errors. Identifiers and numbers are the vendor's samples."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

Fields = dict[str, Any]
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NETWORK = {"viettel": 0, "mobi": 0, "vina": 0, "tel": 0, "offnet": 0}
WEEK: Fields = {
    f"{day}_{edge}_time": at for day in DAYS for edge, at in (("start", 28800000000000), ("end", 75600000000000))
}
EIGHT = [
    "busy",
    "failed",
    "no-answered",
    "not-available",
    "voicemail",
    "invalid-number",
    "phone-block",
    "congestion",
]
DOMAIN = "b6b796aa-370f-4f57-8f44-5c82414c652b"
CARRIER = "a18b400f-d487-4e17-b5e7-eba5fe6fa54f"
TEMPLATE = "5f427552-857e-4939-8edf-cbd0f1ef6842"

# auth/access_token
TOKEN: Fields = {
    "client_id": "5f1ba3d6-9e26-4a43-8a2a-1f0a4f8a9d11",
    "domain_uuid": DOMAIN,
    "expired_in": 13647710,
    "refresh_token": "",
    "token": "a-token",
    "token_type": "Bearer",
    "user_id": "e0406808-4be4-4e43-9ec5-512d91e2b95e",
}

# campaign/edit, the whole request
PUT: Fields = {
    "campaign_uuid": "c2da23c0-9739-4287-828a-7b15cf0fb19e",
    "campaign_name": "AutocallAudio",
    "type": "autocall",
    "description": "",
    "active": True,
    "concurrent_call": 5,
    "carrier_uuid": CARRIER,
    "template_uuid": TEMPLATE,
    "recall_times": 3,
    "limit_recall_duration": 0,
    "schedule_recall": "minute",
    "schedule_recall_duration": 1,
    "answer_callback_url": "",
    "status": "stop",
    "created_at": "2023-03-06T16:27:17.784242+07:00",
    "updated_at": "2023-03-06T16:27:17.784242+07:00",
    "template_name": "",
    "carrier_name": "",
    "mode_call": "direct",
    "network": NETWORK,
    "run_id": "",
    "type_autocall": "autocall_audio",
    "call_timeout": 60,
    "domain_name": "",
    "users": [],
    "groups": [],
    "statuses": [],
    "schedules": [WEEK],
    "priority_recall": "normal",
    "recall_status": EIGHT,
    "enable_encrypt": False,
    "callback_url": "",
    "orig_campaign_uuid": "",
}

# GET one: a campaign that was never edited
ONE: Fields = {
    "domain_uuid": DOMAIN,
    "campaign_uuid": "853b76cc-bffb-4d1b-9f9e-19b1a0fe7894",
    "campaign_name": "VoiceOTP110",
    "type": "autocall",
    "description": "",
    "active": True,
    "concurrent_call": 11,
    "ratio": 100,
    "carrier_uuid": CARRIER,
    "call_center_queue_uuid": "",
    "template_uuid": "",
    "recall_times": 0,
    "limit_recall_duration": 0,
    "schedule_recall": "after",
    "schedule_recall_duration": 0,
    "hopper": 20,
    "answer_callback_url": "",
    "local_start_time": "00:00:00",
    "local_end_time": "23:59:59",
    "customer_order": "id",
    "allow_manual_dial": True,
    "allow_search_lead": True,
    "enable_callback_alert": True,
    "default_list_uuid": "",
    "script_uuid": "",
    "status": "stop",
    "created_at": "2023-03-06T17:06:15.737234+07:00",
    "updated_at": "2023-03-06T17:06:15.737234+07:00",
    "call_center_queue_strategy": "",
    "template_name": "",
    "carrier_name": "",
    "mode_call": "direct",
    "network": NETWORK,
    "run_id": "",
    "type_autocall": "autocall_voice_tts",
    "call_timeout": 60,
    "domain_name": "",
    "users": None,
    "groups": None,
    "statuses": None,
    "schedules": [
        {
            "domain_uuid": DOMAIN,
            "id": "885a7085-0404-484f-9c8f-3dd19c04bc8f",
            "campaign_uuid": "853b76cc-bffb-4d1b-9f9e-19b1a0fe7894",
            **WEEK,
        }
    ],
    "priority_recall": "normal",
    "recall_status": ["answered", *EIGHT],
    "enable_encrypt": False,
    "callback_url": "",
    "orig_campaign_uuid": "",
}

# GET list, first row: the campaign of PUT, read afterwards
EDITED: Fields = {
    **ONE,
    **PUT,
    **dict.fromkeys(("users", "groups", "statuses", "schedules")),
    **dict.fromkeys(("local_start_time", "local_end_time", "customer_order"), ""),
    **dict.fromkeys(("allow_manual_dial", "allow_search_lead", "enable_callback_alert"), False),
    "hopper": 0,
    "updated_at": "2023-03-06T18:27:35.482259+07:00",
    "template_name": "thong_bao_no_cuoc_01",
    "carrier_name": "Billing",
}

# callcenter/autodial: GET one
DIALER: Fields = {
    **ONE,
    "domain_uuid": "c275b950-9885-4775-b1bd-09fc865afa48",
    "campaign_uuid": "7bbe986b-8a6e-404c-840b-781102b5aa07",
    "campaign_name": "Campaign Autodialer",
    "type": "autodialer",
    "description": "Campaign Autodialer",
    "active": False,
    "concurrent_call": 0,
    "carrier_uuid": "",
    "call_center_queue_uuid": "ed9c141b-2699-4ad4-beee-15fd4e2ef630",
    "local_start_time": "08:00:00",
    "local_end_time": "17:30:00",
    "allow_manual_dial": False,
    "allow_search_lead": False,
    "enable_callback_alert": False,
    "status": "",
    "call_center_queue_strategy": "ring-all",
    "mode_call": "",
    "type_autocall": "",
    "call_timeout": 0,
    "schedules": None,
    "priority_recall": "",
    "recall_status": None,
}

# list: GET list, a default of the platform and one of the tenant
LIST: Fields = {
    "domain_uuid": DOMAIN,
    "list_uuid": "c455faf5-2674-4c06-ae73-8259943c3a87",
    "list_name": "ListAutocall01",
    "campaign_uuid": "fdccdbf2-bc4b-4a0f-a7ea-cb0239daaa7d",
    "description": "",
    "reset_time": "0001-01-01T00:00:00Z",
    "active": True,
    "user_uuid": "",
    "created_at": "2023-03-07T10:40:13.216056+07:00",
    "updated_at": "2023-03-07T10:40:13.216056+07:00",
    "total_leads": 9,
    "total_fields": 0,
    "campaign_name": "AutocallTTS",
    "username": "",
    "firstname": "",
    "middlename": "",
    "lastname": "",
    "total_upload": 0,
    "total_success": 9,
    "total_fail": 0,
    "recall_status": None,
}
PLATFORM_LIST: Fields = {
    **LIST,
    "domain_uuid": "37f41c50-48b6-4b7d-8774-bf530e6cc58c",
    "list_uuid": "7342c277-2c8b-4719-bbbb-212fc4a610b1",
    "list_name": "Default Outbound Call",
    "campaign_uuid": "37f41c50-48b6-4b7d-8774-bf530e6cc58c",
    "description": "Default Outbound Call",
    "total_leads": 0,
    "total_success": 0,
    "campaign_name": "",
}

# lead: GET list and GET one
LEAD: Fields = {
    "domain_uuid": "c275b950-9885-4775-b1bd-09fc865afa48",
    "lead_uuid": "152a5c45-68f0-4ee7-85c0-32ae87bb611b",
    "lead_name": "Demo01",
    "lead_code": "DP01",
    "list_uuid": "c4869e79-f0fa-4c6a-9410-bc0defac375a",
    "phone_number": "0349719999",
    "contract_number": "ABC123",
    "status": "NEW",
    "alt_status": "new",
    "identity_number": "",
    "identity_issued_at": "",
    "identity_issued_on": "0001-01-01T00:00:00Z",
    "address": "",
    "province": "",
    "district": "",
    "ward": "",
    "date_of_birth": "",
    "additional": "",
    "after_day": 0,
    "called_count": 0,
    "last_call_time": "1970-01-01T08:00:01+08:00",
    "created_at": "2023-03-08T15:27:00.709533+07:00",
    "updated_at": "2023-03-08T15:27:00.709533+07:00",
    "hopper_id": 0,
    "comment": "",
    "ref_id": "",
    "ref_code": "",
    "gender": "",
    "other_identity_number": "",
    "other_identity_issued_at": "",
    "other_identity_issued_on": "0001-01-01T00:00:00Z",
    "network": "",
    "campaign_uuid": "7bbe986b-8a6e-404c-840b-781102b5aa07",
    "campaign_name": "Campaign Autodialer",
    "list_name": "List Autodialer",
    "assign_user_uuid": "",
    "assign_username": "",
}
EDITED_LEAD: Fields = {
    **LEAD,
    "lead_uuid": "307c2fe7-d075-493c-b8d6-b11195caec41",
    "lead_name": "TestNe",
    "lead_code": "TestNe",
    "phone_number": "03497191211",
    "contract_number": "NVDP12345",
    "additional": '{"after_day":0,"contract_number":"","lead_code":"","lead_name":"TestNe","phone_number":"03497191211"}',
    "network": "viettel",
}
PUT_LEAD: Fields = {
    "lead_uuid": "307c2fe7-d075-493c-b8d6-b11195caec41",
    "lead_name": "TestNe",
    "lead_code": "TestNe",
    "phone_number": "03497191211",
    "contract_number": "NVDP12345",
    "identity_number": "",
    "identity_issued_at": "",
    "identity_issued_on": "0001-01-01T00:00:00Z",
    "address": "",
    "province": "",
    "district": "",
    "ward": "",
    "date_of_birth": "",
    "additional": "",
}
MULTI: Fields = {
    "list_uuid": "a7d4d5d8-751f-4502-b175-a988ac022717",
    "data": [
        {"lead_name": "Phùng Phùng", "phone_number": "0949719066", "contract_number": "ABC123", "after_day": 0},
        {"lead_name": "Luân Luân", "phone_number": "0934567489", "contract_number": "ABCXYZ", "after_day": 0},
    ],
}

# carrier and template: GET list, two rows of three and two
CARRIERS: list[Fields] = [
    {
        "domain_uuid": DOMAIN,
        "carrier_uuid": CARRIER,
        "carrier_name": "Billing",
        "gateway_uuid": "953a918a-0035-4e6f-97d1-c64e7943b7df",
        "caller_id": "02873003586",
        "description": "",
        "dial_type": "channel_prefix",
        "status": True,
        "network": NETWORK,
        "concurrent_call": 30,
        "groups": None,
    },
    {
        "domain_uuid": DOMAIN,
        "carrier_uuid": "aff00f7f-f346-4036-8412-b9daef14b386",
        "carrier_name": "Billing02",
        "gateway_uuid": "953a918a-0035-4e6f-97d1-c64e7943b7df",
        "status": True,
        "concurrent_call": 10,
        "groups": None,
    },
]
TEMPLATES: list[Fields] = [
    {
        "template_name": "temp_audio_01",
        "template_uuid": "e94b30fb-8fcf-41a7-8e4b-8766483e069f",
        "press_options": [{"1": {"audio_file": "827a8471-df3e-470d-89f0-27f305b785ca", "voice_type": "audio_file"}}],
        "voice_type": "audio_file",
    },
    {"template_name": "thong_bao_no_cuoc_01", "template_uuid": TEMPLATE, "voice_type": "tts", "speed_tts": 0.9},
]


def page(*rows: Fields, limit: int = 10, offset: int = 0, total: int | None = None) -> Fields:
    """A page of any list, as every GET list answers."""
    return deepcopy(
        {"data": list(rows), "limit": limit, "offset": offset, "total": len(rows) if total is None else total}
    )
