// What every page uses: badges, faults, buttons that work, dialogs, short notices.

import { Refusal } from './api.js';
import { el, fill } from './element.js';
import { moment } from './words.js';

/** A state: a dot and a word. */
export const badge = ([word, tone], title) => el('span', { class: 'badge', 'data-tone': tone, title }, word);

export const link = (path, ...children) => el('a', { href: `#/${path}` }, ...children);
export const hostLink = (host) => link(`hosts/${encodeURIComponent(host.id)}`, host.name || host.id);

export const time = (text) => el('time', { datetime: text, title: text }, moment(text));

/** One or more words for a fact; `null` for one that nobody knows. */
export function facts(rows) {
  const known = rows.filter(([, value]) => value !== undefined && value !== null && value !== '');
  return el('dl', {}, known.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value))));
}

/** What is to be done about something; nothing where nothing is. */
export const remedy = (words, kind = '') => (words ? el('p', { class: kind }, el('b', {}, 'What to do: '), words) : null);

/** What went wrong, in the engine's words, and what to do. */
export function fault(error) {
  return el('div', { class: 'fault', role: 'alert' },
    el('strong', {}, error.message), remedy(error.remedy));
}

/** A place for faults. `attempt` runs something: a fault of it is shown there, and gone when the next one does well. */
export function problems() {
  const place = el('div', { class: 'problem' });
  const attempt = async (work) => {
    try {
      const result = await work();
      fill(place);
      return result;
    } catch (error) {
      if (error.name === 'AbortError') return undefined;
      // Anything else is a mistake of this page's: it belongs into the browser's log.
      if (!(error instanceof Refusal)) throw error;
      fill(place, fault(error));
      return undefined;
    }
  };
  return { place, attempt };
}

/** A button that is busy until what it began has come to its end. */
export function button(words, kind, work) {
  const node = el('button', { type: 'button', class: kind, on: { click: () => busy(node, work) } }, words);
  return node;
}

export async function busy(node, work) {
  if (node.getAttribute('aria-busy') === 'true') return;
  node.setAttribute('aria-busy', 'true');
  node.disabled = true;
  try {
    await work();
  } finally {
    node.removeAttribute('aria-busy');
    node.disabled = false;
  }
}

let fields = 0;

/** A labelled input. `properties` are its attributes; `hint` stands under it. */
export function field(label, properties = {}, hint = null) {
  const id = `field-${(fields += 1)}`;
  const described = hint === null ? null : `${id}-hint`;
  const { options, ...attributes } = properties;
  const input = options === undefined
    ? el('input', { id, autocomplete: 'off', 'aria-describedby': described, ...attributes })
    : el('select', { id, 'aria-describedby': described, ...attributes },
      options.map(([value, words]) => el('option', { value }, words)));
  const node = el('div', { class: 'field' }, el('label', { for: id }, label), input,
    hint === null ? null : el('span', { class: 'hint', id: described }, hint));
  return { node, input };
}

/** A box or a dot to tick. */
export function choice(words, properties = {}, hint = null) {
  const input = el('input', { type: 'checkbox', ...properties });
  return { node: el('label', { class: 'choice' }, input, el('span', {}, words, hint === null ? null : el('span', { class: 'hint' }, hint))), input };
}

const noticeTime = 6000;

/** Says in a corner, and to those who listen, what was done. */
export function notice(words) {
  const node = el('div', { class: 'notice' }, words);
  document.getElementById('notices').append(node);
  setTimeout(() => node.remove(), noticeTime);
}

/**
 * Asks before something is done. `work` gets the values of the fields; while it fails the dialog stays and says why.
 */
export function confirm({ title, words, fields: asked = [], verb, kind = 'primary', work }) {
  const { place, attempt } = problems();
  const go = el('button', { class: kind, type: 'submit' }, verb);
  const submit = (event) => {
    event.preventDefault();
    busy(go, () => attempt(async () => {
      await work(...asked.map((one) => one.input.type === 'checkbox' ? one.input.checked : one.input.value));
      dialog.close();
    }));
  };
  const heading = el('h2', { id: 'dialog-title' }, title);
  const dialog = el('dialog', { 'aria-labelledby': 'dialog-title', on: { close: () => dialog.remove() } },
    el('form', { method: 'dialog', on: { submit } }, heading, [words].flat().map((line) => el('p', {}, line)), asked.map((one) => one.node), place,
      el('div', { class: 'row' }, go, el('button', { type: 'button', on: { click: () => dialog.close() } }, 'Cancel'))));
  document.body.append(dialog);
  dialog.showModal();
}
