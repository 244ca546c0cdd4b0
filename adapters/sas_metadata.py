"""What the server says that it can (``GET /metadata``): a FHIR CapabilityStatement, no data."""

from typing import Any

from slotengine.adapters import sas_urls as url
from slotengine.adapters.sas_resources import Resource

DATE = "2026-11-22"
"""When this statement last changed."""

_START = url.GUIDE + "/SearchParameter/slot-sp-start"


def capabilities(base: str) -> Resource:
    """Gives the CapabilityStatement of a server at ``base``."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": DATE,
        "kind": "instance",
        "software": {"name": "slotengine"},
        "implementation": {"description": "slots of a health territory", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["json", "application/fhir+json", "application/json+fhir"],
        "implementationGuide": [url.GUIDE],
        "rest": [
            {
                "mode": "server",
                "security": {
                    "cors": False,
                    "description": "client certificates of IGC-Santé, CN and OU checked",
                },
                "resource": [_slot(), _schedule(), _practitioner()],
            }
        ],
    }


def _slot() -> dict[str, Any]:
    return {
        "type": "Slot",
        "supportedProfile": [url.SLOT, url.CPTS_SLOT],
        "interaction": [{"code": "search-type"}],
        "searchInclude": [
            *("Slot:schedule", "Schedule:actor"),
            *("Slot:service-type-reference", "HealthcareService:organization"),
        ],
        "searchParam": [
            {"name": "start", "definition": _START, "type": "date"},
            {"name": "status", "type": "token"},
            {"name": "schedule.actor:Practitioner.identifier", "type": "token"},
        ],
    }


def _schedule() -> dict[str, Any]:
    return {
        "type": "Schedule",
        "supportedProfile": [url.SOS_SCHEDULE],
        "interaction": [{"code": "search-type"}],
        "searchInclude": ["Schedule:actor:Location", "Location:organization"],
        "searchRevInclude": ["Slot:schedule"],
        "searchParam": [
            {"name": "_has", "type": "special"},
            {"name": "actor:Location.organization.identifier", "type": "token"},
        ],
    }


def _practitioner() -> dict[str, Any]:
    return {
        "type": "Practitioner",
        "supportedProfile": [url.REGULATOR],
        "interaction": [{"code": "create"}, {"code": "update"}],
        "conditionalUpdate": True,
        "updateCreate": True,
        "searchParam": [{"name": "identifier", "type": "token"}],
    }
