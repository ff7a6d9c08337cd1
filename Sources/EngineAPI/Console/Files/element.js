// Elements out of code. Text gets into the page as text nodes and in no other way: there is no markup in any string, and the
// page's policy (trusted-types 'none') lets none become any.

/**
 * An element. `properties`: attributes by their names; `on` an object of listeners; `true` an attribute without a value;
 * what is false, null or undefined is left out. Children: elements, or whatever else, as text.
 */
export function el(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === false || value === null || value === undefined) continue;
    if (key === 'on') {
      for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    } else if (key === 'value') {
      node.value = value;
    } else {
      node.setAttribute(key, value === true ? '' : String(value));
    }
  }
  fill(node, ...children);
  return node;
}

/** Puts these children in the place of those that are there. */
export function fill(node, ...children) {
  const wanted = children.flat(3).filter((child) => child !== null && child !== undefined && child !== false);
  node.replaceChildren(...wanted.map((child) => (child instanceof Node ? child : visible(String(child)))));
  return node;
}

const unseen = /[\p{Cf}\p{Co}\p{Cn}\u0000-\u0008\u000b-\u001f\u007f-\u009f]/gu;

/** What would not be seen, or would turn the letters around it, is written down: a machine may say anything of itself. */
export function visible(text) {
  return text.replace(unseen, (letter) => `\\u{${letter.codePointAt(0).toString(16)}}`);
}

/**
 * Makes the children of `parent` those of `items`, in their order. A child whose item is the same as before stays the very
 * element that it was, so that focus, what was typed and what was opened in it stay, too.
 */
export function sync(parent, items, key, render) {
  const former = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const id = String(key(item));
    const print = JSON.stringify(item);
    let child = former.get(id);
    former.delete(id);
    if (child === undefined || child.print !== print) {
      const fresh = render(item);
      fresh.dataset.key = id;
      fresh.print = print;
      if (child !== undefined) {
        const hadFocus = child.contains(document.activeElement);
        if (place === child) place = fresh;
        child.replaceWith(fresh);
        if (hadFocus) (fresh.querySelector('a, button, input') ?? fresh).focus();
      }
      child = fresh;
    }
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
  for (const left of former.values()) left.remove();
}
