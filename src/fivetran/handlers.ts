/** The four methods of the service. */
import { status, type sendUnaryData, type ServerUnaryCall, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { runConnectionTest } from '../app/check/connection-tests';
import { describeDestination } from '../app/describe-tables';
import { asConnectorError, ConnectorError } from '../common/errors';
import { configurationForm } from './configuration-form';
import type { RequestContext, Requests } from './request-context';
import { secondsTypeOf, type ConfigurationMap } from './request-settings';
import { isTestName } from './test-names';
import { runUpdate, type UpdateRequest } from './update';
import type { UpdateCall } from './update-stream';
import { WireNames } from './wire-names';
import { describeTable, tableLists } from './wire-schema';

interface TestRequest {
  readonly name?: string;
  readonly configuration?: ConfigurationMap;
}

interface SchemaRequest {
  readonly configuration?: ConfigurationMap;
}

export function createHandlers(
  requests: Requests,
  serialize: (message: object) => Buffer,
): UntypedServiceImplementation {
  return {
    ConfigurationForm: (_call: ServerUnaryCall<object, object>, callback: sendUnaryData<object>) =>
      callback(null, configurationForm()),
    Test: (call: ServerUnaryCall<TestRequest, object>, callback: sendUnaryData<object>) =>
      runTest(requests, call, callback),
    Schema: (call: ServerUnaryCall<SchemaRequest, object>, callback: sendUnaryData<object>) =>
      requests.handle('schema', call, call.request.configuration, schema, callback),
    Update: (call: UpdateCall<UpdateRequest>) =>
      requests.handle(
        'update',
        call,
        call.request.configuration,
        (context) => runUpdate(call, context, serialize),
        (failure) => {
          if (failure === null) call.end();
          else call.emit('error', failure);
        },
      ),
  };
}

/** A failed test is an answer, not an error: its sentence is shown beside the form. */
function runTest(
  requests: Requests,
  call: ServerUnaryCall<TestRequest, object>,
  callback: sendUnaryData<object>,
): void {
  const { name = '', configuration } = call.request;
  const answer: sendUnaryData<object> = (failure, result) => {
    // The tests exist to find a form that is filled in wrongly.
    if (isTestName(name) && failure?.code === status.INVALID_ARGUMENT)
      callback(null, { failure: failure.details ?? 'The configuration is not valid.' });
    else callback(failure, result);
  };
  requests.handle<object>(
    'test',
    call,
    configuration,
    async ({ settings, logger, signal }) => {
      if (!isTestName(name)) throw unknownTest(name);
      logger.info(`Test ${name}`);
      try {
        const findings = await runConnectionTest(name, settings, logger, signal);
        const failures = findings.filter((finding) => finding.status === 'failure');
        for (const { status: outcome, message, advice } of findings)
          if (outcome === 'warning') logger.warning(`${message} ${advice ?? ''}`.trim());
        if (failures.length === 0) return { success: true };
        return { failure: failures.map(({ message, advice }) => [message, advice].join(' ').trim()).join(' ') };
      } catch (thrown) {
        const error = asConnectorError(thrown);
        if (error.kind === 'interrupted' || error.kind === 'internal') throw error;
        return { failure: error.describe() };
      }
    },
    answer,
  );
}

function unknownTest(name: string): ConnectorError {
  return new ConnectorError(`There is no test "${name.slice(0, 60)}".`, {
    code: 'unknown_test',
    kind: 'configuration',
    hint: 'Ask ConfigurationForm for the names of the tests.',
  });
}

async function schema(context: RequestContext): Promise<object> {
  const { settings, withSchema } = context;
  const names = new WireNames(withSchema);
  const described = await describeDestination(settings, context);
  const tables = described.tables.map(({ source, table }) =>
    describeTable(
      table,
      source === undefined ? names.ofMetadata(table.name) : names.of(source),
      secondsTypeOf(settings),
    ),
  );
  return { ...tableLists(tables, withSchema), selection_not_supported: false };
}
