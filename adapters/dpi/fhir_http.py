"""Reading pages from a FHIR server: one connection, bounded patience, errors sorted.

No URL, no text of the server's and nothing of a page reaches an error: status and issue codes
only. Redirects are not followed and a next link must stay on the configured origin, so the
credentials are never sent anywhere else.
"""

import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import httpx
import msgspec

from adapters.dpi.fhir_resources import Bundle, OperationOutcome
from reminders.errors import FeedRefused, SourceUnavailable

RETRIES = 2  # after a 429 or a 503
DEFAULT_WAIT = 2.0  # seconds, when the server names none
LONGEST_WAIT = 30.0  # a longer Retry-After is left to the next pass
BUSY = (429, 503)
NOT_UNDERSTOOD = (400, 404, 405, 415, 422, 501)
ISSUE_CODE = re.compile(r"[a-z-]{1,40}")
HEADERS = {
    "Accept": "application/fhir+json",
    "Cache-Control": "no-cache",  # HAPI answers searches from a cache of 60 s otherwise
}

decode_bundle = msgspec.json.Decoder(Bundle).decode
decode_outcome = msgspec.json.Decoder(OperationOutcome).decode


class NotUnderstood(FeedRefused):
    """The server refuses this very query: another form of it may still be accepted."""

    def __init__(self, code: str, sentence: str, *, status: int) -> None:
        super().__init__(code, sentence)
        self.status = status


@dataclass(frozen=True, slots=True)
class Access:
    """Where a server is and how to reach it."""

    source: str  # id of the source, for sentences
    base_url: str  # no trailing slash
    auth: httpx.Auth | None
    headers: Mapping[str, str]
    timeout: float  # seconds, for each step of an exchange
    tls: ssl.SSLContext
    proxy: str | None
    sleep: Callable[[float], None]

    @contextmanager
    def session(self) -> Iterator["Session"]:
        with httpx.Client(
            auth=self.auth,
            headers={**HEADERS, **self.headers},
            timeout=self.timeout,
            verify=self.tls,
            proxy=self.proxy,
            trust_env=False,
            follow_redirects=False,
            limits=httpx.Limits(max_connections=1),
        ) as http:
            yield Session(self, http)


class Session:
    def __init__(self, access: Access, http: httpx.Client) -> None:
        self._access = access
        self._http = http
        self._origin = origin(httpx.URL(access.base_url))

    def url(self, resource: str, *parameters: tuple[str, str]) -> httpx.URL:
        return httpx.URL(f"{self._access.base_url}/{resource}", params=parameters)

    def pages(self, first: httpx.URL, *, at_most: int) -> Iterator[Bundle]:
        """Every page from this one on. Raises rather than ending early."""
        return self.following(self.bundle(first), first, at_most=at_most)

    def following(self, page: Bundle, url: httpx.URL, *, at_most: int) -> Iterator[Bundle]:
        """The page already read, then those its links lead to."""
        seen = {str(url)}
        while True:
            yield page
            following = self._next(page, url)
            if following is None:
                return
            if str(following) in seen:
                raise self.refused("link_loop", "un lien « page suivante » tourne en rond")
            if len(seen) >= at_most:
                raise self.refused("too_many_pages", f"plus de {at_most} pages (max_pages)")
            seen.add(str(following))
            url = following
            page = self.bundle(url)

    def _next(self, page: Bundle, current: httpx.URL) -> httpx.URL | None:
        for link in page.link:
            if link.relation == "next" and link.url:
                try:
                    following = current.join(link.url)
                except (httpx.InvalidURL, ValueError):
                    raise self.refused(
                        "bad_link", "un lien « page suivante » est illisible"
                    ) from None
                if origin(following) != self._origin:
                    raise self.refused(
                        "foreign_link",
                        "un lien « page suivante » mène à un autre serveur ; corrigez l'adresse "
                        "publique réglée dans le serveur FHIR, ou base_url",
                    )
                return following
        return None

    def bundle(self, url: httpx.URL, *, form: Mapping[str, str] | None = None) -> Bundle:
        """One page of a search. Raises SourceUnavailable or FeedRefused (NotUnderstood when the
        query itself is refused)."""
        response = self._patiently(url, form)
        if not response.is_success:
            raise self._failure(response)
        if "html" in response.headers.get("content-type", ""):
            raise self.refused("not_fhir", "la réponse est une page web, pas du FHIR (base_url ?)")
        try:
            page = decode_bundle(response.content.removeprefix(b"\xef\xbb\xbf"))
        except msgspec.ValidationError:
            raise self.refused("not_fhir", "la réponse n'est pas un Bundle FHIR") from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self.refused("truncated", "la réponse est coupée ou n'est pas du JSON") from None
        if page.resource_type == "OperationOutcome":
            raise self.refused("outcome", f"le serveur signale une erreur ({issues(response)})")
        if page.resource_type != "Bundle" or page.type != "searchset":
            raise self.refused("not_searchset", "la réponse n'est pas un résultat de recherche")
        return page

    def _patiently(self, url: httpx.URL, form: Mapping[str, str] | None) -> httpx.Response:
        for attempt in range(RETRIES + 1):
            response = self._exchange(url, form)
            if response.status_code not in BUSY:
                return response
            wait = retry_after(response)
            if attempt == RETRIES or wait > LONGEST_WAIT:
                break
            self._access.sleep(wait)
        sentence = f"le serveur est saturé (HTTP {response.status_code}) ; nouvel essai plus tard"
        raise self._unavailable("busy", sentence, retry_after=wait)

    def _exchange(self, url: httpx.URL, form: Mapping[str, str] | None) -> httpx.Response:
        try:
            if form is None:
                return self._http.get(url)
            return self._http.post(url, data=dict(form))
        except httpx.TimeoutException:
            raise self._unavailable("timeout", "le serveur ne répond pas à temps") from None
        except httpx.ConnectError:
            raise self._unavailable(
                "unreachable", "serveur injoignable (adresse, réseau, certificat ?)"
            ) from None
        except httpx.RequestError:
            raise self._unavailable("interrupted", "la réponse s'est interrompue") from None

    def _failure(self, response: httpx.Response) -> SourceUnavailable | FeedRefused:
        status = response.status_code
        told = f"HTTP {status}, {issues(response)}"
        if status in (401, 403):
            return self._unavailable(
                "credentials", f"accès refusé ({told}) ; vérifiez auth, username, password, token"
            )
        if status == 410:
            return self._unavailable("gone", f"page de résultats expirée ({told})")
        if status in NOT_UNDERSTOOD:
            sentence = self._say(f"recherche refusée ({told})")
            return NotUnderstood("query_refused", sentence, status=status)
        if status >= 500:
            return self._unavailable("server_error", f"panne du serveur ({told})")
        return self._unavailable("unexpected", f"réponse inattendue ({told})")

    def _say(self, sentence: str) -> str:
        return f"Source « {self._access.source} » : {sentence}"

    def refused(self, code: str, sentence: str) -> FeedRefused:
        return FeedRefused(code, self._say(sentence))

    def _unavailable(
        self, code: str, sentence: str, *, retry_after: float | None = None
    ) -> SourceUnavailable:
        return SourceUnavailable(code, self._say(sentence), retry_after=retry_after)


def origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80)


def issues(response: httpx.Response) -> str:
    """The issue codes of an OperationOutcome; its texts may quote a patient and are left out."""
    try:
        outcome = decode_outcome(response.content)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return "sans précision"
    found = {issue.code for issue in outcome.issue if ISSUE_CODE.fullmatch(issue.code)}
    return ", ".join(sorted(found)) or "sans précision"


def retry_after(response: httpx.Response) -> float:
    """Seconds to wait: a number, or a date measured against the server's own Date header."""
    text = response.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
        present = parsedate_to_datetime(response.headers.get("date", ""))
        return max(0.0, (until - present).total_seconds())
    except (TypeError, ValueError):
        return DEFAULT_WAIT
