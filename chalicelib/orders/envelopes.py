"""
Envelopes: the JSON that other services put around an order, or send in place of one.

A rule, a topic or a bucket's notification that points at the queue delivers its own envelope unless
it is told to hand on the order alone. Some envelopes have an `id` of their own: each would be
recorded as a rejected order, under an id that nobody asks for.
"""

from collections.abc import Mapping
from typing import Any

from chalicelib.orders.errors import Sentence, sentence


def envelope_of(fields: Mapping[str, Any]) -> Sentence | None:
    """
    Tell an envelope by the members that its service never leaves out.

    Return what it is and how its sender hands on the order alone, or None if it is no envelope.
    """
    match fields:
        # docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
        case {
            "version": str(),
            "id": str(),
            "detail-type": str(),
            "source": str(),
            "account": str(),
            "time": str(),
            "region": str(),
            "resources": list(),
            "detail": _,
        }:
            return sentence("envelope.eventbridge")
        # github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#required-attributes
        case {"specversion": str(), "id": str(), "source": str(), "type": str()}:
            return sentence("envelope.cloudevent")
        # docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
        case {"Type": str(), "MessageId": str(), "TopicArn": str(), "Message": str()}:
            return sentence("envelope.sns")
        # A message as SQS's own API returns it, or as a pipe of EventBridge hands it on.
        # docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Message.html
        # docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-sqs.html
        case {"MessageId": str(), "ReceiptHandle": str(), "Body": str()} | {
            "messageId": str(),
            "receiptHandle": str(),
            "body": str(),
        }:
            return sentence("envelope.sqs")
        # docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html, and
        # whatever Lambda hands to a function. In SNS's records the member has a capital.
        case {"Records": [{"eventSource": str()} | {"EventSource": str()}, *_]}:
            return sentence("envelope.records")
        # S3 sends it when somebody turns a bucket's notifications on.
        case {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": str()}:
            return sentence("envelope.records")
        # docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
        case {"version": str(), "requestContext": {"functionArn": str()}, "requestPayload": _}:
            return sentence("envelope.destination")
    return None
