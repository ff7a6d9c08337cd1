// The frame of the console: who is signed in, which page is shown, and what leads to the others.

import * as api from './api.js';
import { el, fill } from './element.js';
import * as live from './live.js';
import { busy, notice } from './parts.js';
import { convertPage } from './page-convert.js';
import { eventsPage } from './page-events.js';
import { hostPage } from './page-host.js';
import { hostsPage } from './page-hosts.js';
import { jobPage } from './page-job.js';
import { jobsPage } from './page-jobs.js';
import { signInPage } from './page-sign-in.js';

/** Path, page, the part of the menu that it belongs to. */
const routes = [
  [/^hosts$/, hostsPage, 'hosts'],
  [/^hosts\/([^/]+)$/, hostPage, 'hosts'],
  [/^convert$/, convertPage, 'hosts'],
  [/^jobs$/, jobsPage, 'jobs'],
  [/^jobs\/([^/]+)$/, jobPage, 'jobs'],
  [/^events$/, eventsPage, 'events'],
];
const menu = [['hosts', 'Hosts'], ['jobs', 'Jobs'], ['events', 'Events']];
const liveWords = { live: 'Live', polling: 'Asks from time to time', away: 'The engine does not answer' };

/** Who does nothing for this long is signed out: the page asks by itself, and so keeps its session. */
const idle = 30 * 60 * 1000;

const main = document.getElementById('main');
const liveState = el('span', { class: 'live', 'data-state': 'away', role: 'status' }, 'Connecting');
let session = null;
let leaving = new AbortController();
let used = Date.now();

function bar(part) {
  const links = menu.map(([path, words]) => el('li', {},
    el('a', { href: `#/${path}`, 'aria-current': path === part ? 'page' : null }, words)));
  const out = el('button', { type: 'button', on: { click: () => busy(out, signOut) } }, 'Sign out');
  fill(document.getElementById('bar'), el('header', {},
    el('a', { class: 'brand', href: '#/hosts' }, el('img', { src: 'icon.svg', alt: '' }), 'Muster'),
    el('nav', { 'aria-label': 'Pages' }, el('ul', {}, links)),
    el('div', { class: 'who' }, liveState,
      el('div', { class: 'name' }, session.user, el('span', {}, session.role)), out)));
}

function wanted() {
  const [path, search = ''] = location.hash.replace(/^#\/?/, '').split('?');
  for (const [pattern, page, part] of routes) {
    const found = pattern.exec(path);
    if (found !== null) return { page, part, id: decoded(found[1] ?? ''), search: new URLSearchParams(search) };
  }
  return null;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function show() {
  leaving.abort();
  leaving = new AbortController();
  for (const dialog of document.querySelectorAll('dialog')) dialog.close();
  if (session === null) {
    fill(document.getElementById('bar'));
    document.title = 'Sign in · Muster';
    fill(main, signInPage(signedIn));
    main.querySelector('input').focus();
    return;
  }
  const route = wanted();
  if (route === null) {
    location.replace('#/hosts');
    return;
  }
  bar(route.part);
  fill(main, route.page({ ...route, signal: leaving.signal, session, title }));
  title(main.querySelector('h1')?.textContent ?? '');
  main.focus({ preventScroll: true });
  scrollTo(0, 0);
}

/** What the window is called. */
function title(words) {
  document.title = words === '' ? 'Muster' : `${words} · Muster`;
}

function signedIn(who) {
  session = who;
  api.actAs(who.user);
  live.start();
  show();
}

function signedOut(words) {
  if (session === null) return;
  session = null;
  api.actAs(null);
  live.stop();
  show();
  notice(words);
}

async function signOut() {
  try {
    await api.signOut();
  } catch (error) {
    notice(error.message);
    return;
  }
  location.hash = '';
  signedOut('You are signed out.');
}

for (const kind of ['pointerdown', 'keydown']) addEventListener(kind, () => { used = Date.now(); }, { passive: true });
setInterval(() => {
  if (session === null || Date.now() - used < idle) return;
  used = Date.now();
  api.signOut().catch(() => {});
  signedOut('You were signed out after half an hour without a touch.');
}, 60000);

live.onState((state) => {
  if (liveState.dataset.state === state) return;
  liveState.dataset.state = state;
  fill(liveState, liveWords[state]);
});
api.ending.addEventListener('ended', () => signedOut('Your session has ended. Sign in to go on where you were.'));
addEventListener('hashchange', (event) => {
  // The link that skips the menu is no page.
  if (new URL(event.newURL).hash === '#main') {
    history.replaceState(null, '', event.oldURL);
    main.focus();
    return;
  }
  show();
});

try {
  const who = await api.whoIsIn();
  if (who.user) signedIn(who);
  else show();
} catch (error) {
  show();
  notice(error.message);
}
