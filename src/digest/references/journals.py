"""Journals by every name they go by: full, abbreviated, in capitals.

A table of the journals that a digest of clinical papers meets most, each with its full name, the
abbreviation of the National Library of Medicine and the short forms that authors type (`NEJM`). Any other
journal is shown as it was typed: absence from the table is no mistake. `parse` asks here where in a
citation the journal stands, `items` and `parse` for the abbreviation.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Journal(NamedTuple):
    """`short` has no full stops, as in PubMed: `N Engl J Med`."""

    name: str
    short: str


# Full name | NLM abbreviation | what authors type besides. `The`, full stops and case need no entry.
_TABLE = """
ACR Open Rheumatology | ACR Open Rheumatol
Alimentary Pharmacology & Therapeutics | Aliment Pharmacol Ther | APT
American Journal of Gastroenterology | Am J Gastroenterol | AJG
American Journal of Kidney Diseases | Am J Kidney Dis | AJKD
American Journal of Respiratory and Critical Care Medicine | Am J Respir Crit Care Med | AJRCCM
American Journal of Transplantation | Am J Transplant | AJT
Annals of Emergency Medicine | Ann Emerg Med
Annals of Internal Medicine | Ann Intern Med
Annals of the Rheumatic Diseases | Ann Rheum Dis | ARD
Archives of Disease in Childhood | Arch Dis Child
Arthritis & Rheumatology | Arthritis Rheumatol
Arthritis Care & Research | Arthritis Care Res (Hoboken) | Arthritis Care Res
Blood | Blood
Blood Advances | Blood Adv
BMJ | BMJ | British Medical Journal | Br Med J
British Journal of Haematology | Br J Haematol
Cell | Cell
Cell Reports Medicine | Cell Rep Med
Chest | Chest
Circulation | Circulation
Clinical Gastroenterology and Hepatology | Clin Gastroenterol Hepatol | CGH
Clinical Infectious Diseases | Clin Infect Dis
Clinical Journal of the American Society of Nephrology | Clin J Am Soc Nephrol | CJASN
Cochrane Database of Systematic Reviews | Cochrane Database Syst Rev
Critical Care | Crit Care
Critical Care Medicine | Crit Care Med
Diabetes Care | Diabetes Care
Digestive Diseases and Sciences | Dig Dis Sci
Endoscopy | Endoscopy
European Heart Journal | Eur Heart J
Frontiers in Immunology | Front Immunol
Gastroenterology | Gastroenterology
Gastrointestinal Endoscopy | Gastrointest Endosc | GIE
Gut | Gut
Gut Microbes | Gut Microbes
Haematologica | Haematologica
Hepatology | Hepatology
Hepatology Communications | Hepatol Commun
Inflammatory Bowel Diseases | Inflamm Bowel Dis
Intensive Care Medicine | Intensive Care Med | ICM
JAMA | JAMA | Journal of the American Medical Association
JAMA Cardiology | JAMA Cardiol
JAMA Internal Medicine | JAMA Intern Med
JAMA Network Open | JAMA Netw Open
JAMA Neurology | JAMA Neurol
JAMA Oncology | JAMA Oncol
JAMA Pediatrics | JAMA Pediatr
JAMA Surgery | JAMA Surg
Journal of Allergy and Clinical Immunology | J Allergy Clin Immunol | JACI
Journal of Clinical Investigation | J Clin Invest | JCI
Journal of Clinical Oncology | J Clin Oncol | JCO
Journal of Crohn's and Colitis | J Crohns Colitis | JCC
Journal of Hepatology | J Hepatol | J Hep
Journal of Pediatric Gastroenterology and Nutrition | J Pediatr Gastroenterol Nutr | JPGN
Journal of Pediatrics | J Pediatr | J Peds
Journal of the American College of Cardiology | J Am Coll Cardiol | JACC
Journal of the American Society of Nephrology | J Am Soc Nephrol | JASN
Kidney International | Kidney Int
Lancet | Lancet
Lancet Gastroenterology & Hepatology | Lancet Gastroenterol Hepatol
Lancet Haematology | Lancet Haematol
Lancet Infectious Diseases | Lancet Infect Dis
Lancet Oncology | Lancet Oncol
Lancet Rheumatology | Lancet Rheumatol
Liver International | Liver Int
Liver Transplantation | Liver Transpl
Lupus | Lupus
Lupus Science & Medicine | Lupus Sci Med
Nature | Nature
Nature Communications | Nat Commun
Nature Medicine | Nat Med
Nature Reviews Gastroenterology & Hepatology | Nat Rev Gastroenterol Hepatol
Nature Reviews Rheumatology | Nat Rev Rheumatol
NEJM Evidence | NEJM Evid
Neurogastroenterology & Motility | Neurogastroenterol Motil
Neurology | Neurology
New England Journal of Medicine | N Engl J Med | NEJM | New Engl J Med
Pediatric Rheumatology | Pediatr Rheumatol Online J | Pediatr Rheumatol
Pediatrics | Pediatrics
PLOS Medicine | PLoS Med
PLOS ONE | PLoS One
Rheumatology | Rheumatology (Oxford)
Science | Science
Science Translational Medicine | Sci Transl Med
United European Gastroenterology Journal | United European Gastroenterol J | UEG Journal
World Journal of Gastroenterology | World J Gastroenterol | WJG
"""

_WORD = re.compile(r"[\w'’]+|&")


def _key(name: str) -> str:
    """One spelling for `N. Engl. J. Med.`, `n engl j med` and, for full names, a leading `The`."""
    return _join([_plain(word) for word in _WORD.findall(name)])


def _plain(word: str) -> str:
    return "and" if word == "&" else word.casefold().replace("’", "").replace("'", "")


def _join(words: list[str]) -> str:
    return " ".join(words[1:] if words[:1] == ["the"] and len(words) > 1 else words)


def _read_table(table: str) -> dict[str, Journal]:
    journals: dict[str, Journal] = {}
    for row in table.strip().splitlines():
        name, short, *aliases = (cell.strip() for cell in row.split("|"))
        for spelling in (name, short, *aliases):
            journals[_key(spelling)] = Journal(name, short)
    return journals


_JOURNALS = _read_table(_TABLE)
_LONGEST = max(len(key.split()) for key in _JOURNALS) + 1  # one more for a leading `The`


def find_journal(name: str) -> Journal | None:
    """The journal that goes by this name, whatever its full stops and capitals."""
    return _JOURNALS.get(_key(name))


def split_journal(text: str) -> tuple[str, Journal] | None:
    """The text before the journal that `text` ends with, and that journal; the longest name wins.

    `Isaacs JD. CAR T Cells. N. Engl. J. Med.` gives `Isaacs JD. CAR T Cells. ` and the New England Journal.
    Whether a journal may stand there (after a full stop, after the authors) is for the caller to say.
    """
    found = list(_WORD.finditer(text))[-_LONGEST:]
    words = [_plain(word[0]) for word in found]
    for at, word in enumerate(found):
        start = word.start()
        journal = _JOURNALS.get(_join(words[at:]))
        if journal and (start == 0 or not _is_glued(text[start - 1])):
            return text[:start], journal
    return None


def _is_glued(before: str) -> bool:
    return before.isalnum() or before in "-–(/’'"
