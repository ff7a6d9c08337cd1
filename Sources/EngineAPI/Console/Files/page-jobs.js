// Work that the engine does or did, the newest first, live.

import { get, query } from './api.js';
import { el, fill, sync } from './element.js';
import { watch } from './live.js';
import { badge, field, hostLink, link, problems, time } from './parts.js';
import { jobState, span } from './words.js';

const max = 200;
/** While something runs. */
const often = 3000;

const shown = (job) => {
  const step = job.muster.steps.find((one) => one.status === 'started');
  return {
    id: job.id, words: job.description, status: job.status, host: job.host ?? null, start: job.start_time, end: job.end_time ?? null,
    step: job.status === 'started' && step ? `${step.number}/${job.muster.steps.length} ${step.description}` : '', owner: job.owner?.name ?? '',
  };
};

function row(job) {
  return el('tr', {},
    el('td', { class: 'main-cell', 'data-label': 'Job' }, link(`jobs/${encodeURIComponent(job.id)}`, job.words),
      job.step === '' ? null : el('div', { class: 'small muted' }, job.step)),
    el('td', { 'data-label': 'State' }, badge(jobState(job.status))),
    el('td', { 'data-label': 'Host' }, job.host === null ? null : hostLink(job.host)),
    el('td', { 'data-label': 'Began', class: 'time-cell' }, time(job.start)),
    el('td', { 'data-label': 'Took', class: 'time-cell' }, job.end === null ? null : span(job.start, job.end)),
    el('td', { 'data-label': 'By' }, job.owner));
}

export function jobsPage({ signal, search }) {
  const { place, attempt } = problems();
  const words = search.get('search') ?? '';
  const box = field('Search', { type: 'search', value: words, placeholder: 'status=failed', spellcheck: 'false', enterkeyhint: 'search' },
    'A word, or oVirt’s language: status=started, host.name=kvm-*, kind=convert.');
  const submit = (event) => {
    event.preventDefault();
    location.hash = query('/jobs', { search: box.input.value.trim() });
  };
  const body = el('tbody');
  const table = el('table', {}, el('thead', {}, el('tr', {}, ['Job', 'State', 'Host', 'Began', 'Took', 'By'].map((name) => el('th', { scope: 'col' }, name)))), body);
  const sheet = el('div', { class: 'sheet' });
  const nothing = el('div', { class: 'empty' }, el('p', {}, words === '' ? 'There was no work yet.' : 'No job fits this search.'));
  watch(signal, () => attempt(async () => {
    const jobs = ((await get(query('jobs', { search: words, max }), signal)).job ?? []).map(shown);
    sync(body, jobs, (job) => job.id, row);
    const wanted = jobs.length === 0 ? nothing : table;
    if (sheet.firstElementChild !== wanted) fill(sheet, wanted);
    return jobs.some((job) => job.status === 'started') ? often : undefined;
  }));
  return [
    el('h1', {}, 'Jobs'),
    el('form', { class: 'search', role: 'search', on: { submit } }, box.node, el('button', { type: 'submit' }, 'Search')),
    place, sheet,
  ];
}
