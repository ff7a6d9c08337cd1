// One job: its steps as they go on, why it failed and what to do, and the transcript of what was done.

import { post, text } from './api.js';
import { el, fill, sync } from './element.js';
import { badge, button, confirm, facts, hostLink, notice, problems, remedy, time } from './parts.js';
import { jobState, span, stepState } from './words.js';

/** Lines of the transcript that are shown of a step that failed. */
const tail = 14;
const kindsWithTranscript = new Set(['convert', 'reinstall', 'uninstall']);

/** How often a job that runs is asked for, and one that is over, in milliseconds. */
export const jobPace = (job) => (job.status === 'started' ? 1500 : undefined);

function step(one) {
  const took = one.start && one.end ? span(one.start, one.end) : '';
  const when = one.start ? el('span', { class: 'when', title: one.start }, one.status === 'started' ? ['since ', time(one.start)] : took) : el('span', { class: 'when' });
  return el('li', { 'data-state': one.status, 'aria-current': one.status === 'started' ? 'step' : null },
    el('span', { class: 'title' }, one.words, el('span', { class: 'hidden-label' }, `: ${stepState(one.status)}`)), when,
    one.activity === '' ? null : el('div', { class: 'activity' }, one.activity),
    one.percent === null ? null : el('progress', { max: 100, value: one.percent, 'aria-label': one.words }));
}

const shown = (one) => ({
  name: one.name, words: one.description, status: one.status, start: one.start_time ?? null, end: one.end_time ?? null,
  activity: one.activity ?? '', percent: one.status === 'started' ? one.progress ?? null : null,
});

/** What the programs said last in a step that failed. */
function lastWords(transcript, name) {
  const lines = transcript.split('\n');
  const begin = lines.findLastIndex((line) => line.includes(` ${name}: `) && !line.includes(` ${name}: began`));
  return begin < 0 ? '' : lines.slice(begin).filter((line) => line !== '').slice(-tail).join('\n');
}

/**
 * `{node, update(job)}`: `update` puts the newest of the job into `node`. `signal` ends what it asks for by itself; `heading`
 * stands in the place of the job's own words.
 */
export function jobView(signal, heading = null) {
  const { place, attempt } = problems();
  const [head, list, outcome, foot] = [el('header'), el('ol', { class: 'steps' }), el('div', { class: 'stack' }), el('div', { class: 'stack' })];
  const node = el('section', { class: 'card', 'aria-label': 'Job' }, head, outcome, list, foot, place);
  let former = '';
  let ended = '';

  function update(job) {
    const state = JSON.stringify([job.id, job.status, job.end_time]);
    sync(list, job.muster.steps.map(shown), (one) => one.name, step);
    if (state === former) return;
    former = state;
    fill(head, el('div', { class: 'tight' }, el('h2', {}, heading ?? job.description), about(job)), badge(jobState(job.status)));
    fill(foot, job.status === 'started' ? abort(job) : null, transcript(job));
    fill(outcome, failure(job), report(job));
    if (job.status === 'failed' && ended !== job.id) {
      ended = job.id;
      showLastWords(job);
    }
  }

  function abort(job) {
    return el('div', { class: 'row' }, button('Abort', 'danger', () => confirm({
      title: 'Abort this job?',
      words: ['The step that is at work is let come to its end, or ended after two minutes.', 'What was done stays; it can be gone on with, or taken back, later.'],
      verb: 'Abort', kind: 'danger',
      work: async () => {
        await post(`jobs/${encodeURIComponent(job.id)}/abort`, {}, signal);
        notice('The job is being ended.');
      },
    })));
  }

  function transcript(job) {
    if (!kindsWithTranscript.has(job.muster.kind)) return null;
    const words = el('pre', { tabindex: 0, 'aria-label': 'Transcript' }, 'Asking…');
    const read = () => attempt(async () => {
      fill(words, await text(`jobs/${encodeURIComponent(job.id)}/transcript`, signal) || 'Nothing yet.');
      words.scrollTop = words.scrollHeight;
    });
    return el('details', { on: { toggle: (event) => { if (event.target.open) read(); } } },
      el('summary', {}, 'Transcript: what was done, and what the server said'), el('div', { class: 'stack' }, words, el('div', { class: 'row' }, button('Read it again', '', read))));
  }

  async function showLastWords(job) {
    const failed = job.muster.steps.find((one) => one.status === 'failed');
    if (failed === undefined || !kindsWithTranscript.has(job.muster.kind)) return;
    await attempt(async () => {
      const words = lastWords(await text(`jobs/${encodeURIComponent(job.id)}/transcript`, signal), failed.name);
      if (words !== '') outcome.append(el('div', { class: 'tight' }, el('h3', {}, `What the server said in “${failed.description}”`), el('pre', { tabindex: 0 }, words)));
    });
  }

  return { node, update };
}

function about(job) {
  const took = job.end_time ? `, took ${span(job.start_time, job.end_time)}` : '';
  return el('p', { class: 'small muted' }, 'Began ', time(job.start_time), took, job.owner ? `, by ${job.owner.name ?? job.owner.id}` : '');
}

function failure(job) {
  if (!job.muster.error) return null;
  const failed = job.muster.steps.find((one) => one.status === 'failed');
  const kind = job.status === 'failed' ? 'fault' : 'note warn';
  return el('div', { class: kind, role: 'alert' },
    el('strong', {}, failed ? `Failed in “${failed.description}”` : 'It did not come to its end'),
    el('p', {}, job.muster.error), remedy(job.muster.remedy));
}

/** Of a way back: what is not as it was. */
function report(job) {
  const lines = job.muster.report;
  if (!lines) return null;
  if (lines.length === 0) return el('p', { class: 'note good' }, 'Everything is as it was before.');
  return el('div', { class: 'note warn' }, el('strong', {}, 'Not as it was before:'), el('ul', {}, lines.map((line) => el('li', {}, line))));
}

export const jobFacts = (job) => facts([['Host', job.host ? hostLink(job.host) : null], ['Kind', job.muster.kind], ['Correlation id', job.correlation_id]]);
