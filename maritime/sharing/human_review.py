"""Human review: what a person in a role says of an alert, and what of it stands when more is said later.

The role is kept, never who it was. Only what is said changes: what a later review leaves open stays as it was.
"""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from maritime.sharing.canonical import canonical
from maritime.sharing.envelope import Country, Time
from maritime.sharing.feedback import SAFE, Role

State = Literal["confirmed", "dismissed", "resolved"]
STATES: Final[tuple[State, ...]] = ("confirmed", "dismissed", "resolved")
NO_OFFENCE: Final = "none"
"""In place of an offence: takes back the one that was named."""
LONGEST_CAVEAT: Final = 200  # characters; chosen: a sentence
MOST_CAVEATS: Final = 10  # the newest
Caveat = Annotated[str, Field(min_length=1, max_length=LONGEST_CAVEAT, pattern=SAFE)]


class HumanReview(BaseModel):
    """One review; None is what it leaves open."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: State
    role: Role
    at: Time
    protected: bool | None = Field(None, description="whether people on board need protection")
    countries_of_origin: tuple[Country, ...] = Field((), max_length=20, description="of them; empty: not known")
    personal_data: bool | None = None
    offence: str | None = Field(None, pattern="^[a-z][a-z0-9_]{0,59}$", description="the subtype; none takes it back")
    caveats: tuple[Caveat, ...] = Field((), max_length=MOST_CAVEATS)

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.offence not in (None, NO_OFFENCE) and self.state != "confirmed":
            raise ValueError("an offence is named by a review that confirms")
        if self.countries_of_origin and not self.protected:
            raise ValueError("countries of origin are those of people who need protection")
        return self

    def after(self, earlier: "HumanReview | None") -> "HumanReview":
        """What stands when this is said after what stood. An offence stands only while the alert is confirmed."""
        if earlier is None:
            return self
        stands: dict[str, Any] = {"caveats": tuple(dict.fromkeys(earlier.caveats + self.caveats))[-MOST_CAVEATS:]}
        if self.protected is None:
            stands |= {"protected": earlier.protected, "countries_of_origin": earlier.countries_of_origin}
        if self.personal_data is None:
            stands["personal_data"] = earlier.personal_data
        if self.offence is None and self.state == "confirmed":
            stands["offence"] = earlier.offence
        return self.model_copy(update=stands)

    @property
    def named_offence(self) -> str | None:
        """The offence that the person has named; None when there is none."""
        return None if self.offence == NO_OFFENCE else self.offence

    @property
    def code(self) -> str:
        """In a word what was said, as the ledger has it."""
        protection = {None: None, True: "protected_persons", False: "no_protected_persons"}[self.protected]
        personal = {None: None, True: "personal_data", False: "no_personal_data"}[self.personal_data]
        offence = None if self.offence is None else "offence" if self.named_offence else "no_offence"
        return "+".join(filter(None, (self.state, protection, personal, offence)))

    def to_dict(self) -> dict[str, Any]:
        """The review as JSON says it."""
        return self.model_dump(mode="json", exclude_defaults=True)

    def canonical(self) -> bytes:
        """Its canonical bytes, which its entry in the ledger is proved by."""
        return canonical(self.to_dict())
