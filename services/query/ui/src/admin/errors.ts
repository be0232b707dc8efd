// Classifies failed requests to the admin API, and explains them to the operator.

import { Problem } from "../api/client";
import { retryReason } from "../api/retry";

export function isWrongToken(error: unknown): boolean {
  return error instanceof Problem && error.status === 401;
}

export function isAdminOff(error: unknown): boolean {
  return error instanceof Problem && error.code === "admin-off";
}

/** Whether the same request can succeed later. */
export function isTransient(error: unknown): boolean {
  return error instanceof Problem ? error.isTransient : isNetworkError(error);
}

/** Why a request failed, in a sentence or two. */
export function adminErrorMessage(error: unknown): string {
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return "The server did not respond in time.";
  }
  if (!(error instanceof Problem)) {
    return isNetworkError(error)
      ? retryReason(error)
      : "An unexpected error occurred on this page. Reload it and try again.";
  }
  return [error.message, error.detail]
    .filter(Boolean)
    .map((text) => (/[.!?]$/.test(text) ? text : `${text}.`))
    .join(" ");
}

function isNetworkError(error: unknown): boolean {
  return (
    error instanceof TypeError || (error instanceof DOMException && error.name === "TimeoutError")
  );
}
