// What a look at a server gave: host keys to be confirmed, and the report of what was found.

import { el } from './element.js';
import { button, remedy } from './parts.js';

const severities = { blocking: ['Forbids the conversion', 'bad'], warning: ['Warning', 'warn'], info: ['Note', 'plain'] };

/** `keys`: `[whose, fingerprint, type]`. `confirm` is called when the reader says that they are the right ones. */
export function keyCard(keys, confirm) {
  return el('section', { class: 'card call', 'aria-label': 'Host key' },
    el('h2', { tabindex: -1 }, keys.length === 1 ? `Is this the key of ${keys[0][0]}?` : 'Are these their keys?'),
    el('p', {}, 'Compare it on the server’s own console before anything secret is sent there: ', el('code', {}, 'for f in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $f; done')),
    keys.map(([whose, fingerprint, type]) => el('div', { class: 'tight' }, el('span', { class: 'small muted' }, `${whose} shows (${type})`), el('div', { class: 'key' }, fingerprint))),
    el('div', { class: 'row' }, button('Yes, that is its key', 'primary', confirm)));
}

function finding(one) {
  const [word] = severities[one.severity] ?? [one.severity];
  return el('li', { 'data-severity': one.severity },
    el('div', { class: 'head' }, el('strong', { class: 'small' }, word), el('code', { class: 'muted' }, one.id)),
    el('p', {}, one.sentence), remedy(one.remedy, 'small'));
}

/** `go`: what begins the conversion; `again`: what looks once more. */
export function reportCard(report, name, go, again) {
  const verdict = report.blocked
    ? el('div', { class: 'fault', role: 'alert' }, el('strong', {}, `${name} cannot be converted yet.`), el('p', {}, 'Do what stands beside what forbids it, and look again. Nothing was changed.'))
    : el('div', { class: 'note good', role: 'status' }, el('strong', {}, `${name} can be converted.`), el('p', {}, 'Nothing was changed so far.'));
  return el('section', { class: 'card', 'aria-label': 'Report of the check' },
    el('header', {}, el('h2', { tabindex: -1 }, 'What was found'), el('span', { class: 'small muted' }, report.summary)),
    verdict,
    report.findings.length === 0 ? null : el('ul', { class: 'findings' }, report.findings.map(finding)),
    el('div', { class: 'row' }, report.blocked ? null : button(`Convert ${name}`, 'primary', go), button('Look again', '', again)));
}
