// Renders /openapi.json: operations with their parameters, examples and errors, each with a form that sends it.
// It fetches nothing else, and keeps the key that is typed in no storage.

const $ = (id) => document.getElementById(id);

function make(tag, content = "", attributes = {}) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...[content].flat());
  return element;
}

// Text with `code` in backticks.
function prose(text) {
  return text.split(/`([^`]+)`/).map((part, n) => (n % 2 ? make("code", part) : part));
}

function table(head, rows) {
  const body = rows.map((row) => make("tr", row.map((cell) => make("td", cell))));
  const headings = head.map((text) => make("th", text, { scope: "col" }));
  return make("div", make("table", [make("thead", make("tr", headings)), make("tbody", body)]), { class: "scroll", tabindex: "0" });
}

function resolve(document, schema) {
  return schema?.$ref ? schema.$ref.split("/").slice(1).reduce((at, key) => at[key], document) : schema;
}

function typeOf(document, schema) {
  const resolved = resolve(document, schema) ?? {};
  if (resolved.anyOf) return resolved.anyOf.map((option) => typeOf(document, option)).join(" or ");
  if (resolved.const !== undefined) return JSON.stringify(resolved.const);
  if (resolved.enum) return resolved.enum.map((value) => JSON.stringify(value)).join(" or ");
  if (resolved.type === "array") return `list of ${typeOf(document, resolved.items)}`;
  return resolved.title && resolved.type === "object" ? resolved.title : (resolved.type ?? "any");
}

function bounds(schema) {
  const option = schema.anyOf?.find((one) => one.type !== "null") ?? schema;
  const { minimum, maximum, minLength, maxLength } = option;
  const parts = [];
  if (minimum !== undefined || maximum !== undefined) parts.push(`${minimum ?? ""} to ${maximum ?? ""}`);
  if (minLength !== undefined || maxLength !== undefined) parts.push(`${minLength ?? 0} to ${maxLength ?? ""} characters`);
  if (schema.default !== undefined && schema.default !== null) parts.push(`default: ${JSON.stringify(schema.default)}`);
  return parts.join(", ");
}

function fieldRows(document, schema) {
  const required = schema.required ?? [];
  return Object.entries(schema.properties ?? {}).map(([name, field]) => [
    make("code", name),
    typeOf(document, field),
    [required.includes(name) ? "required" : "", bounds(field)].filter(Boolean).join(", "),
    prose(field.description ?? ""),
  ]);
}

function exampleOf(document, media) {
  return media?.example ?? Object.values(media?.examples ?? {})[0]?.value ?? resolve(document, media?.schema)?.examples?.[0];
}

function curl(method, path, operation, body) {
  const query = (operation.parameters ?? [])
    .filter((parameter) => parameter.in === "query" && parameter.required)
    .map((parameter) => `${parameter.name}=${encodeURIComponent((parameter.schema.examples ?? parameter.examples ?? ["..."])[0])}`)
    .join("&");
  const filled = path.replace(/\{(\w+)\}/g, (_, name) => {
    const parameter = operation.parameters.find((one) => one.name === name);
    return parameter?.schema?.examples?.[0] ?? parameter?.example ?? name;
  });
  const parts = [`curl '${location.origin}${filled}${query ? `?${query}` : ""}'`];
  if (method !== "get") parts.push(`-X ${method.toUpperCase()}`);
  if (operation.security?.length) parts.push("-H 'Authorization: Bearer TOKEN'");
  if (body) parts.push("-H 'Content-Type: application/json'", `-d '${JSON.stringify(body)}'`);
  return parts.join(" \\\n  ");
}

// The example of a parameter, which its field begins with if the operation needs it.
function exampleValue(parameter) {
  const example = parameter.schema?.examples?.[0] ?? parameter.examples?.[0] ?? parameter.example;
  return parameter.required && example !== undefined ? String(example) : "";
}

function field(id, name, control) {
  control.setAttribute("id", id);
  return make("p", [make("label", name, { for: id }), control]);
}

function tryForm(path, method, operation, body) {
  const form = make("form", [], { class: "try", novalidate: "" });
  const inputs = (operation.parameters ?? []).map((parameter) => {
    const hint = parameter.schema.default;
    const attributes = { name: parameter.name, value: exampleValue(parameter), autocomplete: "off" };
    if (hint !== undefined && hint !== null) attributes.placeholder = String(hint);
    const input = make("input", "", attributes);
    form.append(field(`${operation.operationId}-${parameter.name}`, parameter.name, input));
    return { parameter, input };
  });
  const text = body === undefined ? null : make("textarea", JSON.stringify(body, null, 2), { rows: "8", spellcheck: "false" });
  if (text) form.append(field(`${operation.operationId}-body`, "Body", text));
  const send = make("button", "Send", { type: "submit" });
  const said = make("p", "", { class: "status", role: "status" });
  const shown = make("pre", make("code"), { tabindex: "0", hidden: "" });
  form.append(send, said, shown);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    send.disabled = true;
    said.textContent = "Waiting for the answer …";
    try {
      const started = performance.now();
      const response = await fetch(addressOf(path, inputs), requestOf(method, text));
      const content = await contentOf(response);
      said.textContent = `${response.status} ${response.statusText} in ${Math.round(performance.now() - started)} ms`;
      shown.firstChild.textContent = content;
      shown.hidden = !content;
    } catch (error) {
      said.textContent = `The request could not be sent: ${error.message}`;
      shown.hidden = true;
    }
    send.disabled = false;
  });
  return form;
}

function addressOf(path, inputs) {
  const query = new URLSearchParams();
  for (const { parameter, input } of inputs) {
    if (parameter.in === "path") path = path.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    else if (input.value) {
      const values = parameter.schema.type === "array" ? input.value.split(",") : [input.value];
      for (const value of values) query.append(parameter.name, value.trim());
    }
  }
  return query.size ? `${path}?${query}` : path;
}

function requestOf(method, text) {
  const headers = {};
  const key = $("key").value.trim();
  if (key) headers.Authorization = `Bearer ${key}`;
  if (text) headers["Content-Type"] = "application/json";
  return { method: method.toUpperCase(), headers, body: text?.value, cache: "no-store" };
}

async function contentOf(response) {
  const type = response.headers.get("Content-Type") ?? "";
  if (type.includes("json")) return JSON.stringify(await response.json(), null, 2);
  if (type.startsWith("text/")) return response.text();
  const { size } = await response.blob();
  return size ? `${size} bytes of ${type}` : "";
}

function operationElement(document, path, method, operation) {
  const inside = make("div", make("p", prose(operation.description ?? "")));
  if (operation.parameters?.length) {
    const rows = operation.parameters.map((parameter) => [
      make("code", parameter.name),
      parameter.in,
      [parameter.required ? "required" : "", typeOf(document, parameter.schema), bounds(parameter.schema)].filter(Boolean).join(", "),
      prose(parameter.description ?? parameter.schema.description ?? ""),
    ]);
    inside.append(make("h3", "Parameters"), table(["Name", "In", "Type", "Description"], rows));
  }
  const requested = operation.requestBody?.content["application/json"];
  const body = exampleOf(document, requested);
  if (requested) {
    const rows = fieldRows(document, resolve(document, requested.schema));
    inside.append(make("h3", "Request body"), table(["Field", "Type", "Constraints", "Description"], rows));
  }
  inside.append(make("h3", "Example request"), make("pre", make("code", curl(method, path, operation, body)), { tabindex: "0" }));
  inside.append(make("h3", "Try it"), tryForm(path, method, operation, body));
  for (const [status, response] of Object.entries(operation.responses)) {
    if (!status.startsWith("2")) continue;
    const example = exampleOf(document, response.content?.["application/json"]);
    if (example === undefined) continue;
    inside.append(make("h3", `Response ${status}`), make("pre", make("code", JSON.stringify(example, null, 2)), { tabindex: "0" }));
  }
  const errors = Object.entries(operation.responses)
    .filter(([status]) => status >= "400")
    .flatMap(([, response]) => Object.keys(response.content?.["application/problem+json"]?.examples ?? {}));
  if (errors.length) {
    const links = errors.flatMap((code, n) => [n ? ", " : "", make("a", code, { href: `#${code}` })]);
    inside.append(make("h3", "Errors"), make("p", links));
  }
  const summary = make("summary", [
    make("span", method.toUpperCase(), { class: "method" }),
    make("code", path),
    make("span", operation.summary ?? "", { class: "summary" }),
  ]);
  const element = make("details", [summary, inside], { id: operation.operationId });
  if (operation.operationId === "search") element.open = true;
  return element;
}

function render(document) {
  $("intro").append(...document.info.description.trim().split("\n\n").map((text) => make("p", prose(text.replace(/\n/g, " ")))));
  for (const tag of document.tags) {
    $("operations").append(make("h2", tag.name[0].toUpperCase() + tag.name.slice(1)), make("p", tag.description));
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        if (operation.tags.includes(tag.name)) $("operations").append(operationElement(document, path, method, operation));
      }
    }
  }
  const rows = document["x-problems"].map((problem) =>
    make("tr", [make("td", String(problem.status)), make("td", make("code", problem.code)), make("td", `${problem.title}. ${problem.detail}`)], { id: problem.code }),
  );
  $("problems").querySelector("tbody").append(...rows);
  $("problems").hidden = false;
  $("access").hidden = false;
  $("access").addEventListener("submit", (event) => event.preventDefault());
  if (location.hash) window.document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

try {
  const response = await fetch("/openapi.json");
  render(await response.json());
} catch {
  $("status").textContent = "The API description could not be loaded. Reload the page to try again.";
}
