// A machine that claims to be a host: what it says, and the code that a person compares.

import { post } from './api.js';
import { el, fill, sync } from './element.js';
import { claimFacts } from './host-facts.js';
import { busy, button, confirm, field, notice, problems } from './parts.js';

function approval(host, claim, signal, done) {
  const { place, attempt } = problems();
  const code = field('The code on the screen of the machine', { name: 'code', required: true, placeholder: 'K7QD-W3MA-T', spellcheck: 'false', maxlength: 24, autocapitalize: 'characters' },
    'Read it there and type it here. The engine computed its own and compares; it does not show it, so that nobody approves unseen.');
  code.node.classList.add('code-field');
  const go = el('button', { class: 'primary', type: 'submit' }, 'Approve');
  const submit = (event) => {
    event.preventDefault();
    busy(go, () => attempt(async () => {
      await post(`hosts/${encodeURIComponent(host.id)}/approve`, { code: code.input.value.trim() }, signal);
      notice(`${host.name} is approved.`);
      done();
    })).then(() => { if (code.input.isConnected) code.input.select(); });
  };
  const reject = button('Reject', 'danger', () => confirm({
    title: `Reject what claims to be ${host.name}?`,
    words: ['Its open claims are closed, and the machine is kept away for 24 hours.', 'A host that never was approved is forgotten.'],
    verb: 'Reject', kind: 'danger',
    work: async () => {
      await post(`hosts/${encodeURIComponent(host.id)}/reject`, {}, signal);
      notice(`${host.name} was rejected.`);
      done();
    },
  }));
  return el('form', { class: 'stack', on: { submit } }, code.node, place, el('div', { class: 'row' }, go, reject));
}

function card({ host, claim }, signal, done) {
  const title = host.status === 'pending_approval' ? 'This machine wants to become a host' : 'A machine claims to be this host';
  return el('section', { class: 'card call' }, el('header', {}, el('h2', {}, title)),
    el('div', { class: 'columns' }, el('div', { class: 'tight' }, el('h3', {}, 'What it says of itself'), claimFacts(claim)), approval(host, claim, signal, done)));
}

/** `{node, update(host)}`. `done` is called when one was approved or rejected. */
export function claimCards(signal, done) {
  const node = el('div', { class: 'stack' });
  return {
    node,
    update(host) {
      const open = host.muster.claims.filter((claim) => claim.state === 'pending');
      const early = host.muster.claims.length - open.length;
      const items = open.map((claim) => ({ host: { id: host.id, name: host.name, status: host.status }, claim }));
      node.hidden = items.length === 0 && early === 0;
      if (items.length === 0) fill(node, early > 0 ? el('p', { class: 'note' }, 'A machine begins to claim this host; its code is not there yet.') : null);
      else sync(node, items, (item) => item.claim.id, (item) => card(item, signal, done));
    },
  };
}
