/** Turns errors into gRPC statuses; this is the one place for it, as exit-codes is for the command line. */
import { status } from '@grpc/grpc-js';
import { asConnectorError, type ConnectorError } from '../common/errors';

export interface GrpcFailure {
  readonly code: status;
  readonly details: string;
}

/** The status travels in a header; beyond this length a client may refuse all headers. */
const MOST_DETAILS = 3_000;

export function toStatus(thrown: unknown, redact: (text: string) => string): GrpcFailure {
  const error = asConnectorError(thrown);
  const details = redact(error.describe()).replace(/\s*\n\s*/g, ' ');
  return {
    code: codeOf(error),
    details: details.length > MOST_DETAILS ? `${details.slice(0, MOST_DETAILS)}…` : details,
  };
}

function codeOf(error: ConnectorError): status {
  if (error.code === 'login_failed') return status.UNAUTHENTICATED;
  if (error.code === 'permission_denied') return status.PERMISSION_DENIED;
  if (error.code === 'shutdown') return status.UNAVAILABLE;
  switch (error.kind) {
    case 'configuration':
      return status.INVALID_ARGUMENT;
    case 'connection':
      return error.retryable ? status.UNAVAILABLE : status.FAILED_PRECONDITION;
    case 'source':
      return error.retryable ? status.ABORTED : status.FAILED_PRECONDITION;
    case 'destination':
      return status.RESOURCE_EXHAUSTED;
    case 'interrupted':
      return status.CANCELLED;
    case 'internal':
      return status.INTERNAL;
  }
}
