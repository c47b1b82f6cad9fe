"""Uses the unary calls as a client in another language does, and says what it saw, as JSON.

unary_client.py ADDRESS PROTO_FILE...
"""

import json
import sys
import time

import grpc
import proto_files

address, *paths = sys.argv[1:]
messages = proto_files.load(paths)
channel = grpc.insecure_channel(address)


def call(service, method, **fields):
    """One unary call; the request's and the answer's types are named after the method."""
    stub = channel.unary_unary(
        f"/{proto_files.PACKAGE}.{service}/{method}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=messages[f"{method}Response"].FromString,
    )
    request = messages[f"{method}Request"](**fields)
    for attempt in range(100):
        try:
            return stub(request, timeout=20, wait_for_ready=True)
        except grpc.RpcError as failure:
            # Leaders and coordinators come and go: UNAVAILABLE says that nothing was done.
            if failure.code() is not grpc.StatusCode.UNAVAILABLE or attempt == 99:
                raise
        time.sleep(0.1)
    return None


def refusal(service, method, **fields):
    """The gRPC status of a refused call, and our error beside it."""
    try:
        call(service, method, **fields)
    except grpc.RpcError as failure:
        trailers = dict(failure.trailing_metadata())
        error = messages["Error"].FromString(trailers["stratalog-error-bin"])
        numbers = {each.key: each.number for each in error.details if each.HasField("number")}
        return {"status": failure.code().name, "code": error.code, "numbers": numbers}
    return None


def offset_at(**at):
    query = messages["OffsetQuery"](topic="orders", partition=0, **at)
    return call("FetchService", "ListOffsets", queries=[query]).answers[0]


seen = {}
call("AdminService", "CreateTopic", name="orders", partition_count=1)
Record, Header = messages["Record"], messages["Header"]
records = [
    Record(
        timestamp_ms=1_700_000_000_000 + number * 1_000,
        key=f"k{number}".encode(),
        value=f"grüße {number}".encode(),
        headers=[Header(key="source", value=b"python"), Header(key="empty")],
    )
    for number in range(5)
]
records.append(Record(timestamp_ms=1_700_000_005_000, key=b"gone"))
produced = call("ProduceService", "Produce", topic="orders", partition=0, records=records)
seen["produced"] = [produced.base_offset, produced.record_count]
seen["unexpected"] = refusal(
    "ProduceService", "Produce", topic="orders", partition=0, records=records, expected_offset=3
)

fetched = call("FetchService", "Fetch", topic="orders", partition=0, offset=1, max_records=10)
seen["fetched"] = [
    {
        "offset": record.offset,
        "timestamp": record.timestamp_ms,
        "key": record.key.decode(),
        "value": record.value.decode() if record.HasField("value") else None,
        "headers": [[each.key, each.value.decode()] for each in record.headers],
    }
    for record in fetched.records
]
seen["next"] = [fetched.next_offset, fetched.high_watermark]
seen["beyond"] = refusal("FetchService", "Fetch", topic="orders", partition=0, offset=99)

seen["earliest"] = offset_at(earliest=messages["Earliest"]()).offset
seen["latest"] = offset_at(latest=messages["Latest"]()).offset
found = offset_at(timestamp_ms=1_700_000_002_500)
seen["by time"] = [found.offset, found.timestamp_ms]

coordinator = call("GroupService", "FindCoordinator", group_id="billing")
seen["coordinator"] = f"{coordinator.host}:{coordinator.port}"
offset = messages["PartitionOffset"](topic="orders", partition=0, offset=4, metadata="from python")
call("GroupService", "CommitOffsets", group_id="billing", offsets=[offset])
wanted = messages["TopicPartitions"](topic="orders", partitions=[0])
(committed,) = call("GroupService", "FetchOffsets", group_id="billing", partitions=[wanted]).offsets
seen["committed"] = [committed.offset, committed.metadata]
seen["no group"] = refusal("GroupService", "DescribeGroup", group_id="nobody")

print(json.dumps(seen))
