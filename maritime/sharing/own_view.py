"""Own view: an alert as the originator itself sees it, before any policy is written. Nobody else may have it."""

from typing import Final, get_args

from maritime.alerts.schema import AlertType
from maritime.sharing.policy import ReleasePolicy

OWN_VIEW: Final = ReleasePolicy.model_validate(
    {
        "policy": "own-view",
        "version": "1",
        "originator": {"org_id": "own"},
        "marks": [
            {
                "types": get_args(AlertType),
                "tlp": "TLP:RED",
                "purpose": ["maritime_safety"],
                "rel_to": [],
                "retain_days": 30,
            }
        ],
        "partners": {},
    }
)
