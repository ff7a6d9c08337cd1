// One job.

import { get } from './api.js';
import { el, fill } from './element.js';
import { jobFacts, jobPace, jobView } from './job-steps.js';
import { watch } from './live.js';
import { link, problems } from './parts.js';

export function jobPage({ signal, id, title }) {
  const { place, attempt } = problems();
  const [heading, about] = [el('h1', {}, 'Job'), el('div')];
  const view = jobView(signal, 'Steps');
  watch(signal, () => attempt(async () => {
    const job = await get(`jobs/${encodeURIComponent(id)}`, signal);
    title(job.description);
    fill(heading, job.description);
    // What stands there already stays: a link that is being clicked is not replaced.
    const facts = el('div', {}, jobFacts(job));
    if (!about.firstChild?.isEqualNode(facts)) fill(about, facts);
    view.update(job);
    return jobPace(job);
  }));
  return [el('p', { class: 'trail' }, link('jobs', 'Jobs')), heading, place, el('div', { class: 'columns' }, view.node, el('section', { class: 'card' }, el('h2', {}, 'About it'), about))];
}
