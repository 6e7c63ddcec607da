"""The sign-in pages: plain HTML without scripts."""

from html import escape
from urllib.parse import urlencode

from starlette.responses import HTMLResponse

STYLE = """
:root { color-scheme: light dark; --ink: #1f2430; --soft: #596070; --paper: #f5f6f8; --card: #fff; --line: #8a91a0;
  --deep: #0b5394; --bad: #a4262c }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ee; --soft: #a8afbd; --paper: #14161b; --card: #1d2027;
  --line: #6b7280; --deep: #7cb7ee; --bad: #ff9a9a } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif }
main { width: min(24rem, 92vw); background: var(--card); padding: 1.75rem; border-radius: 8px;
  border: 1px solid color-mix(in srgb, var(--line) 40%, transparent) }
h1 { font-size: 1.25rem; margin: 0 0 .25rem } p { margin: .25rem 0 1rem; color: var(--soft) }
label { display: block; margin-top: .9rem; font-weight: 600; font-size: .9rem }
input { width: 100%; padding: .55rem .65rem; margin-top: .25rem; font: inherit; color: inherit; background: transparent;
  border: 1px solid var(--line); border-radius: 5px }
button, .other { display: block; width: 100%; margin-top: 1.25rem; padding: .6rem; font: inherit; font-weight: 600;
  border-radius: 5px; border: 1px solid var(--deep); text-align: center; cursor: pointer; text-decoration: none }
button { background: var(--deep); color: var(--card) } .other { color: var(--deep) }
:focus-visible { outline: 3px solid var(--deep); outline-offset: 2px }
.wrong { color: var(--bad); font-weight: 600 } small { color: var(--soft) }
"""


def sign_in_page(*, following: str, name: str = "", wrong: str = "", provider: str = "") -> HTMLResponse:
    """Return the page that asks for name and password. `provider`: name of the OpenID Connect provider, or ''."""
    begin = f"/oidc/begin?{urlencode({'next': following})}"
    other = f'<a class="other" href="{escape(begin)}">Sign in with {escape(provider)}</a>' if provider else ""
    return _page(
        "Sign in",
        f"""<p>Assay console</p>{_wrong(wrong)}
<form method="post" action="/sign-in">
<input type="hidden" name="next" value="{escape(following)}">
<label for="name">Name</label>
<input id="name" name="name" value="{escape(name)}" autocomplete="username" required autofocus maxlength="100">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required maxlength="1000">
<button>Sign in</button>
</form>{other}
<p><br><small>No account? An admin can create one: <code>assay user add NAME --role viewer</code></small></p>""",
        401 if wrong else 200,
    )


def welcome_page(*, token: str, name: str = "admin", wrong: str = "") -> HTMLResponse:
    """Return the page on which the holder of a one-time link creates the first admin."""
    return _page(
        "Welcome to Assay",
        f"""<p>This link works once. Choose the name and password of the first admin.</p>{_wrong(wrong)}
<form method="post" action="/welcome">
<input type="hidden" name="token" value="{escape(token)}">
<label for="name">Name</label>
<input id="name" name="name" value="{escape(name)}" autocomplete="username" required maxlength="100">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="new-password" required minlength="12"
 maxlength="1000" autofocus aria-describedby="wanted">
<small id="wanted">At least 12 characters</small>
<button>Create admin</button>
</form>""",
        422 if wrong else 200,
    )


def message_page(title: str, text: str, *, status: int) -> HTMLResponse:
    """Return a page with one message and a link to the sign-in page."""
    return _page(title, f'<p>{escape(text)}</p><a class="other" href="/sign-in">Sign in</a>', status)


def _wrong(wrong: str) -> str:
    return f'<p class="wrong" role="alert">{escape(wrong)}</p>' if wrong else ""


def _page(title: str, body: str, status: int) -> HTMLResponse:
    return HTMLResponse(
        f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)} · Assay</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/sign-in.css"></head>
<body><main><h1>{escape(title)}</h1>{body}</main></body></html>""",
        status,
        {"Cache-Control": "no-store"},
    )
