/** What every method of the service begins with: settings, a log, and a signal that aborts with the client. */
import type { StatusObject } from '@grpc/grpc-js';
import { ConnectorError } from '../common/errors';
import { dataSourceSecrets } from '../app/data-source-secrets';
import { createRedactor } from '../common/redact';
import type { CloseableLogger } from '../common/create-logger';
import { createRequestLogger } from './request-logger';
import {
  secretsOf,
  settingsOfRequest,
  type ConfigurationMap,
  type RequestSettings,
  type ServiceSettings,
} from './request-settings';
import { toStatus } from './grpc-status';

export interface ServiceOptions {
  readonly service: ServiceSettings;
  readonly cwd: string;
  /** Takes each line of the log, with its newline. */
  readonly write: (line: string) => void;
  /** Aborts when the service should end. */
  readonly signal: AbortSignal;
}

export interface RequestContext extends RequestSettings {
  readonly logger: CloseableLogger;
  /** Aborts when the client cancels or vanishes, or the service ends. */
  readonly signal: AbortSignal;
  /** Aborts with the client alone. */
  readonly gone: AbortSignal;
}

interface Call {
  readonly cancelled: boolean;
  on(event: 'cancelled', listener: () => void): unknown;
}

export class Requests {
  private count = 0;
  private readonly running = new Set<Promise<void>>();

  constructor(private readonly options: ServiceOptions) {}

  /**
   * Runs `action`, whose result is passed to `answer`; an error becomes a status. Never rejects. `kind` names the
   * request in the log.
   */
  handle<T>(
    kind: string,
    call: Call,
    configuration: ConfigurationMap | undefined,
    action: (context: RequestContext) => Promise<T>,
    answer: (failure: Partial<StatusObject> | null, result?: T) => void,
  ): void {
    const task = this.run(kind, call, configuration, action, answer);
    this.running.add(task);
    void task.finally(() => this.running.delete(task));
  }

  /** Resolves when no request is running. */
  async settled(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running);
  }

  private async run<T>(
    kind: string,
    call: Call,
    configuration: ConfigurationMap | undefined,
    action: (context: RequestContext) => Promise<T>,
    answer: (failure: Partial<StatusObject> | null, result?: T) => void,
  ): Promise<void> {
    const gone = new AbortController();
    call.on('cancelled', () => gone.abort());
    if (call.cancelled) gone.abort();
    const name = `${kind} ${(this.count += 1)}`;
    let secrets: readonly string[] = secretsOf(configuration);
    let logger: CloseableLogger | undefined;
    try {
      const loaded = settingsOfRequest(configuration, this.options.service, this.options.cwd);
      secrets = [...loaded.secrets, ...dataSourceSecrets(loaded.settings)];
      const settings = { ...loaded, secrets };
      logger = createRequestLogger({
        name,
        level: settings.settings.logLevel,
        secrets,
        write: this.options.write,
      });
      for (const warning of settings.warnings) logger.warning(warning);
      const signal = AbortSignal.any([this.options.signal, gone.signal]);
      answer(null, await action({ ...settings, logger, signal, gone: gone.signal }));
    } catch (thrown) {
      const error = this.options.signal.aborted && !gone.signal.aborted ? shuttingDown() : thrown;
      const failure = toStatus(error, createRedactor(secrets));
      logger ??= createRequestLogger({ name, level: 'info', secrets, write: this.options.write });
      if (gone.signal.aborted) logger.info('The client has cancelled or gone away; everything was released.');
      else logger.severe(failure.details);
      answer(failure);
    } finally {
      await logger?.close();
    }
  }
}

function shuttingDown(): ConnectorError {
  return new ConnectorError('The service is shutting down; what was sent up to the last checkpoint is kept.', {
    code: 'shutdown',
    kind: 'interrupted',
    hint: 'Start the next sync with the state of that checkpoint.',
  });
}
