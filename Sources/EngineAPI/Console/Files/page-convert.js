// A server becomes a host: asked about, its key confirmed, looked at, and then converted.

import { engineKey, get, post } from './api.js';
import { orderForm } from './convert.js';
import { el, fill } from './element.js';
import { busy, link, notice, problems } from './parts.js';
import { keyCard, reportCard } from './preflight.js';

export function convertPage({ signal }) {
  const { place, attempt } = problems();
  const [asked, answer] = [el('div', {}, el('p', { class: 'muted' }, 'Asking…')), el('div', { class: 'stack' })];
  let form = null;
  /** The host keys that the reader confirmed, and for which way to the server. */
  let keys = {};
  let route = '';

  const show = (card) => {
    fill(answer, card);
    const heading = answer.querySelector('h2');
    heading?.focus({ preventScroll: true });
    answer.scrollIntoView({ block: 'nearest' });
    heading?.scrollIntoView({ block: 'nearest' });
  };

  async function look() {
    fill(answer);
    if (form.route() !== route) [keys, route] = [{}, form.route()];
    await attempt(async () => {
      const seen = await post('hosts/preflight', form.order(keys), signal);
      if (seen.findings !== undefined) {
        show(reportCard(seen, form.shownName(), convert, look));
        return;
      }
      show(keyCard(unconfirmed(seen), async () => {
        keys = { jump: seen.jump_fingerprint ?? keys.jump, server: seen.fingerprint ?? keys.server };
        await look();
      }));
    });
  }

  function unconfirmed(seen) {
    const order = form.order(keys);
    const found = [];
    if (seen.jump_fingerprint && !keys.jump) found.push([order.muster.jump?.address ?? 'The jump host', seen.jump_fingerprint, seen.jump_key_type]);
    if (seen.fingerprint) found.push([order.address, seen.fingerprint, seen.key_type]);
    return found;
  }

  async function convert() {
    await attempt(async () => {
      const host = await post('hosts', form.order(keys), signal);
      notice(`The conversion of ${host.name} has begun.`);
      location.hash = `/hosts/${encodeURIComponent(host.id)}`;
    });
  }

  async function begin() {
    const [clusters, keyLine] = await Promise.all([get('clusters', signal), engineKey()]);
    form = orderForm(clusters.cluster ?? [], keyLine);
    const go = el('button', { class: 'primary', type: 'submit' }, 'Look at the server');
    const submit = (event) => {
      event.preventDefault();
      busy(go, look);
    };
    // What was looked at is not what is asked about any more.
    const forget = () => fill(answer);
    fill(asked, el('form', { class: 'card', on: { submit, input: forget }, autocomplete: 'off' }, form.node, el('div', { class: 'row' }, go)));
    asked.querySelector('input').focus();
  }

  attempt(begin);
  return [
    el('p', { class: 'trail' }, link('hosts', 'Hosts')),
    el('div', { class: 'tight' }, el('h1', {}, 'Convert a server'),
      el('p', { class: 'muted' }, 'A running CentOS Stream, AlmaLinux, Rocky or RHEL 8 to 10 server, or a Debian 12 server, becomes a node over SSH, and can go back. First the engine only looks.')),
    asked, place, answer,
  ];
}
