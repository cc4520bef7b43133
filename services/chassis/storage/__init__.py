"""The one door to stored bytes: a local folder or an S3 bucket, by URL.

store     what is stored: reading, listing, deleting, and whole objects in
drafts    what an object is while it is written, wherever it goes
folder    drafts as files
bucket    drafts as multipart uploads
s3        the S3 requests that those are made of
signing   how an S3 request proves who sends it (AWS Signature Version 4)
keys      what keys look like, and what trouble is called
"""

from services.chassis.storage.drafts import Draft as Draft
from services.chassis.storage.drafts import Stored as Stored
from services.chassis.storage.keys import CHUNK as CHUNK
from services.chassis.storage.keys import Entry as Entry
from services.chassis.storage.store import Storage as Storage
