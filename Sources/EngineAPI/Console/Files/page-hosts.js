// Every host, as it stands now.

import { get, query } from './api.js';
import { el, fill, sync } from './element.js';
import { watch } from './live.js';
import { badge, field, hostLink, link, problems } from './parts.js';
import { count, status } from './words.js';

const max = 500;

/** What a row shows of a host, and nothing else, so that a row changes only when it has to. */
const shown = (host) => ({
  id: host.id, name: host.name, status: host.status, detail: host.status_detail ?? '', cluster: host.cluster?.name ?? '',
  address: host.address, claims: host.muster.claims.length,
});

function row(host) {
  return el('tr', {},
    el('td', { class: 'main-cell', 'data-label': 'Name' }, hostLink(host)),
    el('td', { 'data-label': 'Status' }, badge(status(host.status), host.detail)),
    el('td', { 'data-label': 'Cluster' }, host.cluster),
    el('td', { 'data-label': 'Address', class: 'mono' }, host.address),
    el('td', { 'data-label': 'Claims' }, host.claims > 0
      ? link(`hosts/${encodeURIComponent(host.id)}`, count(host.claims, 'claim to look at', 'claims to look at')) : null));
}

function summary(hosts, isSearch) {
  const up = hosts.filter((host) => host.status === 'up').length;
  const shownHosts = count(hosts.length, 'host');
  const cut = hosts.length === max ? `; only the first ${max} are shown` : '';
  return isSearch ? `${shownHosts} found, ${up} up${cut}` : `${shownHosts}, ${up} up${cut}`;
}

/** Those that wait for a person are told before all others. */
function waiting(hosts) {
  const number = hosts.filter((host) => host.claims > 0).length;
  if (number === 0) return null;
  const words = number === 1 ? '1 host waits for your approval.' : `${number} hosts wait for your approval.`;
  return el('div', { class: 'note warn' }, el('p', {}, words, ' Compare the code on the screen of the machine before you approve it. ',
    link('hosts?search=status%3Dpending_approval', 'Show those that are new')));
}

export function hostsPage({ signal, search }) {
  const { place, attempt } = problems();
  const words = search.get('search') ?? '';
  const box = field('Search', { type: 'search', value: words, placeholder: 'status=up and cluster=Default', spellcheck: 'false', enterkeyhint: 'search' },
    'A name, or oVirt’s language: status=up, name=kvm-*, memory>64000, and, or, not, sortby name desc.');
  const submit = (event) => {
    event.preventDefault();
    location.hash = query('/hosts', { search: box.input.value.trim() });
  };
  const body = el('tbody');
  const table = el('table', {}, el('thead', {}, el('tr', {}, ['Name', 'Status', 'Cluster', 'Address', 'Claims'].map((name) => el('th', { scope: 'col' }, name)))), body);
  const [numbers, notes, sheet] = [el('p', { class: 'muted', role: 'status' }), el('div'), el('div', { class: 'sheet' }, table)];
  const nothing = words === ''
    ? el('div', { class: 'empty' }, el('p', {}, 'There is no host yet. Boot a machine from the network or an image, and it appears here; or convert a server that runs.'), link('convert', 'Convert a server'))
    : el('div', { class: 'empty' }, el('p', {}, 'No host fits this search.'), link('hosts', 'Show all'));
  watch(signal, () => attempt(async () => {
    const answer = await get(query('hosts', { search: words, max }), signal);
    const hosts = (answer.host ?? []).map(shown);
    fill(numbers, summary(hosts, words !== ''));
    fill(notes, waiting(hosts));
    sync(body, hosts, (host) => host.id, row);
    const wanted = hosts.length === 0 ? nothing : table;
    if (sheet.firstElementChild !== wanted) fill(sheet, wanted);
  }));
  return [
    el('div', { class: 'spread' }, el('div', { class: 'tight' }, el('h1', {}, 'Hosts'), numbers),
      el('a', { class: 'button primary', href: '#/convert' }, 'Convert a server')),
    el('form', { class: 'search', role: 'search', on: { submit } }, box.node, el('button', { type: 'submit' }, 'Search')),
    place, notes, sheet,
  ];
}
