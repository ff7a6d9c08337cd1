// What can be done with a host, each after a question.

import { post } from './api.js';
import { el, sync } from './element.js';
import { button, confirm, field, notice } from './parts.js';

const busyStatuses = new Set(['pending_approval', 'installing', 'installing_os', 'initializing', 'reboot', 'kdumping', 'connecting', 'unassigned']);

function maintenance(host) {
  const reason = field('Reason', { name: 'reason', maxlength: 200 }, 'May be left empty.');
  return {
    title: `Take ${host.name} out of service?`, words: 'Nothing new is put on it, and the engine no longer minds when it does not answer.',
    fields: [reason], verb: 'Into maintenance', path: 'deactivate', body: (words) => (words ? { reason: words } : {}),
    told: `${host.name} goes into maintenance.`,
  };
}

function activate(host) {
  return { title: `Put ${host.name} into service?`, words: 'The engine looks at it, and it is up when it is fit.', verb: 'Activate', path: 'activate', told: `${host.name} is activated.` };
}

function again(host) {
  return { title: `Try the installation of ${host.name} again?`, words: 'It begins anew over its agent.', verb: 'Try again', path: 'approve', told: 'The installation is tried again.' };
}

/** The engine's own key opens most servers; where it does not, a password is needed once more. */
function password() {
  return field('Password on the server', { name: 'password', type: 'password', autocomplete: 'off' }, 'Only where the server does not know the engine’s key. It is kept in memory until then, and never stored.');
}
const signIn = (secret) => (secret ? { ssh: { authentication_method: 'password', user: { password: secret } } } : {});

function reinstall(host) {
  return {
    title: `Convert ${host.name} once more?`, words: 'What is missing is mended, and what is done already stays as it is. Guests go on meanwhile.',
    fields: [password()], verb: 'Reinstall', path: 'install', body: signIn, told: 'The conversion has begun once more.',
  };
}

function uninstall(host) {
  return {
    title: `Give ${host.name} back as the server that it was?`,
    words: ['Packages, files, services and networks of the conversion are taken back, step by step. Then the host is forgotten and its certificate revoked.', 'What differs from before is listed at the end.'],
    fields: [password()], verb: 'Uninstall', kind: 'danger', path: 'uninstall', body: signIn, told: 'The way back has begun.',
  };
}

function possible(host) {
  // What is under way is let come to its end, or aborted where it is shown.
  if (busyStatuses.has(host.status)) return [];
  const isConverted = host.ssh !== undefined;
  const actions = [];
  // A host that waits until its guests are gone can be called back.
  if (host.status === 'preparing_for_maintenance') return [activate(host)];
  if (host.status === 'maintenance' || host.status === 'down') actions.push(activate(host));
  if (host.status !== 'maintenance' && host.status !== 'install_failed') actions.push(maintenance(host));
  if (host.status === 'install_failed' && !isConverted) actions.push(again(host));
  if (isConverted) actions.push(reinstall(host), uninstall(host));
  return actions;
}

/** `{node, update(host)}`. `done` is called when something was begun. */
export function hostActions(signal, done) {
  const node = el('div', { class: 'row' });
  return {
    node,
    update(host) {
      const actions = possible(host);
      sync(node, actions.map(({ verb, kind, path }) => ({ verb, kind, path, host: host.name })), (item) => item.path, (item) => {
        const ask = () => {
          const action = possible(host).find((one) => one.path === item.path);
          if (action === undefined) return;
          confirm({
            ...action,
            work: async (...values) => {
              await post(`hosts/${encodeURIComponent(host.id)}/${action.path}`, action.body?.(...values) ?? {}, signal);
              notice(action.told);
              done();
            },
          });
        };
        return button(`${item.verb}…`, item.kind ?? '', ask);
      });
    },
  };
}
