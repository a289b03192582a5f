"""Reading what people answer for: recurring tasks and their runs, how much things matter, and cards."""

from portal.duties.queries.cards import find_cards as find_cards
from portal.duties.queries.cards import find_criticalities as find_criticalities
from portal.duties.queries.tasks import OWNED_KIND as OWNED_KIND
from portal.duties.queries.tasks import list_runs_of_people as list_runs_of_people
