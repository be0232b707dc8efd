// What to tell an operator of a request that failed.

import { Problem } from "../api/client";
import { reasonToWait } from "../api/persist";

export function isWrongToken(error: unknown): boolean {
  return error instanceof Problem && error.status === 401;
}

export function isOff(error: unknown): boolean {
  return error instanceof Problem && error.code === "admin-off";
}

/** Whether the same request may well succeed a little later. */
export function passes(error: unknown): boolean {
  return error instanceof Problem ? error.passes : isOfNetwork(error);
}

/** Why there is nothing to show, or why nothing was done; a sentence or two. */
export function reasonFor(error: unknown): string {
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return "The service did not answer in time.";
  }
  if (!(error instanceof Problem)) {
    return isOfNetwork(error)
      ? reasonToWait(error).replace(" Trying again.", "")
      : "Something went wrong on this page.";
  }
  return [error.message, error.detail]
    .filter(Boolean)
    .map((text) => (/[.!?]$/.test(text) ? text : `${text}.`))
    .join(" ");
}

function isOfNetwork(error: unknown): boolean {
  return (
    error instanceof TypeError || (error instanceof DOMException && error.name === "TimeoutError")
  );
}
