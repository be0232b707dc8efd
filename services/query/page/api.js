// Asking the API. persist() tries again where trying again can help, and says so meanwhile.

export const RETRY_MS = [1500, 2000, 3000, 5000, 8000];

export class ServerProblem extends Error {
  constructor(response, problem) {
    super(problem.title ?? `The server answered ${response.status}`);
    this.status = response.status;
    this.code = problem.code ?? "";
    this.wanted = (problem.errors ?? []).map((error) => error.message);
    this.retryAfterMs = 1000 * Number(response.headers.get("Retry-After") ?? 0);
  }
  get passes() {
    return [502, 503, 504].includes(this.status);
  }
}

export async function getJson(url, signal, body) {
  const headers = { Accept: "application/json" };
  const sent = body && { method: "POST", body: JSON.stringify(body), headers: { ...headers, "Content-Type": "application/json" } };
  const response = await fetch(url, { signal, headers, ...sent });
  if (!response.ok) throw new ServerProblem(response, await response.json().catch(() => ({})));
  return response.json();
}

export function wait(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

export async function persist(say, url, signal, body) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await getJson(url, signal, body);
    } catch (error) {
      if (signal.aborted) throw error;
      const away = !(error instanceof ServerProblem);
      if (!away && !error.passes) throw error;
      if (away) say("The service cannot be reached. Trying again.", "waiting");
      else if (error.code === "not-ready") say("The index is being built. Your films will appear here by themselves.", "waiting");
      else say("Many people are searching. Trying again.", "waiting");
      const pause = RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)];
      await wait(Math.max(pause, error.retryAfterMs ?? 0), signal);
    }
  }
}
