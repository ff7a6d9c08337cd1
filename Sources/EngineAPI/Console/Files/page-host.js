// One host: what it is, what it waits for, what is done with it, and what happened to it.

import { get, query } from './api.js';
import { el, fill, sync } from './element.js';
import { eventList } from './event-list.js';
import { hostActions } from './host-actions.js';
import { claimCards } from './host-claims.js';
import { hostFacts } from './host-facts.js';
import { jobPace, jobView } from './job-steps.js';
import { watch } from './live.js';
import { badge, link, problems, time } from './parts.js';
import { jobState, status } from './words.js';

const eventsMax = 40;
const jobsMax = 20;

function jobItem(job) {
  return el('li', { class: 'spread' }, el('span', {}, link(`jobs/${encodeURIComponent(job.id)}`, job.words), ' ', el('span', { class: 'small muted' }, time(job.start))), badge(jobState(job.status)));
}

export function hostPage({ signal, id, title }) {
  const { place, attempt } = problems();
  const path = `hosts/${encodeURIComponent(id)}`;
  const [heading, state, detail] = [el('h1', {}, 'Host'), el('span'), el('p', { class: 'muted' })];
  const about = el('section', { class: 'card' });
  const [earlier, jobs] = [el('ul', { class: 'events' }), el('section', { class: 'card', hidden: true }, el('h2', {}, 'Earlier jobs'))];
  jobs.append(earlier);
  const view = jobView(signal);
  const [working, idle] = [el('div', { class: 'column' }), el('p', { class: 'muted' }, 'Nothing yet.')];
  const events = eventList(false);
  let again = () => {};
  const claims = claimCards(signal, () => again());
  const actions = hostActions(signal, () => again());
  let print = '';

  function showHost(host) {
    const now = JSON.stringify(host);
    if (now === print) return;
    print = now;
    title(host.name);
    fill(heading, host.name);
    fill(state, badge(status(host.status)));
    fill(detail, host.status_detail ?? '');
    claims.update(host);
    actions.update(host);
    fill(about, el('h2', {}, 'About it'), hostFacts(host));
  }

  function showJobs(list) {
    const [newest, ...others] = list;
    if (newest === undefined) return undefined;
    if (!view.node.isConnected) working.prepend(view.node);
    view.update(newest);
    jobs.hidden = others.length === 0;
    sync(earlier, others.map((job) => ({ id: job.id, words: job.description, status: job.status, start: job.start_time })), (job) => job.id, jobItem);
    return jobPace(newest);
  }

  async function refresh() {
    const host = await get(path, signal);
    showHost(host);
    const pace = showJobs((await get(query(`${path}/jobs`, { max: jobsMax }), signal)).job ?? []);
    const found = (await get(query('events', { search: `host.id=${host.id}`, max: eventsMax }), signal)).event ?? [];
    events.update(found);
    idle.hidden = found.length > 0;
    return pace;
  }

  again = watch(signal, () => attempt(refresh), (event) => event.host === undefined || event.host.id === id);
  working.append(el('section', { class: 'card' }, el('h2', {}, 'Events'), idle, events.node), jobs);
  return [
    el('p', { class: 'trail' }, link('hosts', 'Hosts')),
    el('div', { class: 'spread' }, el('div', { class: 'tight' }, el('div', { class: 'row' }, heading, state), detail), actions.node),
    place, claims.node, el('div', { class: 'columns' }, working, about),
  ];
}
