// The engine's REST API, as the user who signed in. The session is a cookie that no script reads; it counts only together with
// the header `Prefer: persistent-auth`, which no page of another site can send.

const api = '/ovirt-engine/api';
const session = 'session';

/** Whose page this is; the engine does nothing for it in another user's name. */
let reader = null;

/** What the engine refused, in its own words; or that it could not be asked. */
export class Refusal extends Error {
  constructor(status, fault) {
    super(fault.detail);
    this.status = status;
    this.remedy = fault.remedy ?? '';
  }
}

/** Told when the session has ended: `signedOut` of whoever shows the page. */
export const ending = new EventTarget();

async function send(path, options) {
  const headers = { Accept: 'application/json', Prefer: 'persistent-auth', ...options.headers };
  if (reader !== null) headers['Muster-User'] = encodeURIComponent(reader);
  let response;
  try {
    response = await fetch(path, { ...options, headers, credentials: 'same-origin', cache: 'no-store' });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Refusal(0, {
      detail: 'The engine does not answer.',
      remedy: 'See whether it runs and can be reached; this page goes on by itself when it can.',
    });
  }
  if (response.ok) return response;
  const refusal = new Refusal(response.status, await faultOf(response));
  if (response.status === 401 && path.startsWith(api)) ending.dispatchEvent(new Event('ended'));
  throw refusal;
}

async function faultOf(response) {
  const words = { detail: `The engine answered ${response.status}.`, remedy: 'The log of the engine says more.' };
  try {
    return (await response.json()).fault ?? words;
  } catch {
    return words;
  }
}

function withBody(method, body, signal) {
  if (body === undefined) return { method, signal };
  return { method, signal, body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
}

/** The answer as a value; `null` where there is none. */
export async function call(method, path, body, signal) {
  const response = await send(`${api}/${path}`, withBody(method, body, signal));
  const text = await response.text();
  return text === '' ? null : JSON.parse(text);
}

export const get = (path, signal) => call('GET', path, undefined, signal);
export const post = (path, body = {}, signal) => call('POST', path, body, signal);

/** The answer as plain text. */
export async function text(path, signal) {
  return (await send(`${api}/${path}`, { signal, headers: { Accept: 'text/plain' } })).text();
}

/** The answer as it comes. */
export async function stream(path, signal) {
  return (await send(`${api}/${path}`, { signal, headers: { Accept: 'text/event-stream' } })).body;
}

/** The public line by which the engine signs in to servers. */
export async function engineKey() {
  const place = '/ovirt-engine/services/pki-resource?resource=engine-certificate&format=OPENSSH-PUBKEY';
  return (await (await send(place, { headers: { Accept: 'text/plain' } })).text()).trim();
}

/** From now on this page is this user's, or nobody's. */
export function actAs(user) {
  reader = user;
}

/** `{user, role}`; without members when nobody is signed in. */
export async function whoIsIn() {
  return (await send(session, {})).json();
}

export async function signIn(username, password) {
  return (await send(session, withBody('POST', { username, password }))).json();
}

export async function signOut() {
  await send(session, { method: 'DELETE' });
}

/** A path with a query; empty values are left out. */
export function query(path, values) {
  const fields = new URLSearchParams(Object.entries(values).filter(([, value]) => value !== '' && value !== undefined));
  const text = fields.toString();
  return text === '' ? path : `${path}?${text}`;
}
