"""Schemas of models."""

import marshmallow as ma

from app.common.fields import Choice, Schema, Timestamp
from app.common.pagination import page_of
from app.risk.learning.service import ModelStatus


class FiguresOut(Schema):
    roc_auc = ma.fields.String(
        required=True,
        attribute="rocAuc",
        metadata={
            "description": "The probability that a bad attempt has a higher score than a good one",
            "example": "0.9454",
        },
    )
    precision_at_1_percent = ma.fields.String(
        required=True,
        data_key="precisionAt1Percent",
        attribute="precisionAt1Percent",
        metadata={
            "description": "The part of the one per cent with the highest scores that was bad",
            "example": "0.9167",
        },
    )


class ModelReportOut(Schema):
    """How a model was evaluated, with attempts that are newer than those it has learned from."""

    learning_attempts = ma.fields.Integer(
        required=True,
        attribute="learningAttempts",
        metadata={"description": "Attempts that it has learned from", "example": 5_696},
    )
    learning_bad = ma.fields.Integer(
        required=True,
        attribute="learningBad",
        metadata={"description": "Those of them that were refunded or rejected", "example": 204},
    )
    test_attempts = ma.fields.Integer(
        required=True,
        attribute="testAttempts",
        metadata={"description": "Attempts that it was tested with", "example": 2442},
    )
    test_bad = ma.fields.Integer(
        required=True,
        attribute="testBad",
        metadata={"description": "Those of them that were refunded or rejected", "example": 89},
    )
    model = ma.fields.Nested(
        FiguresOut, required=True, metadata={"description": "What its scores tell"}
    )
    rules = ma.fields.Nested(
        FiguresOut,
        required=True,
        metadata={"description": "What the rules alone, in force at that time, tell"},
    )


class ReadingRuleOut(Schema):
    """A version of a rule that reads the score of a model."""

    id = ma.fields.UUID(required=True)
    key = ma.fields.String(
        required=True, metadata={"description": "Key of the rule", "example": "model"}
    )
    version = ma.fields.Integer(
        required=True, metadata={"description": "Version of the rule, from 1", "example": 1}
    )


class ModelOut(Schema):
    id = ma.fields.UUID(
        required=True,
        attribute="model.id",
        metadata={"description": "Conditions about `modelScore` name it as their `model`"},
    )
    version = ma.fields.Integer(
        required=True,
        attribute="model.version",
        metadata={"description": "Version of the model, from 1", "example": 1},
    )
    status = Choice(
        ModelStatus,
        required=True,
        metadata={
            "description": "ACTIVE: a rule that decides reads its score; SHADOW: only rules without"
            " effect do; UNUSED: no rule in force does",
            "example": "SHADOW",
        },
    )
    active = ma.fields.List(
        ma.fields.Nested(ReadingRuleOut),
        required=True,
        metadata={"description": "The active rules that read its score"},
    )
    shadow = ma.fields.List(
        ma.fields.Nested(ReadingRuleOut),
        required=True,
        metadata={"description": "The rules in shadow that read its score"},
    )
    checksum = ma.fields.String(
        required=True,
        attribute="model.checksum",
        metadata={
            "description": "SHA-256 of the model, in hexadecimal. It is verified before it is used",
            "example": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        },
    )
    features = ma.fields.List(
        ma.fields.String(),
        required=True,
        attribute="model.features",
        metadata={"description": "What it reads", "example": ["amount", "hour"]},
    )
    report = ma.fields.Nested(
        ModelReportOut,
        required=True,
        attribute="model.report",
        metadata={"description": "How it was evaluated"},
    )
    starts_at = Timestamp(
        required=True,
        attribute="model.starts_at",
        metadata={"description": "Beginning of the period of the attempts"},
    )
    ends_at = Timestamp(
        required=True,
        attribute="model.ends_at",
        metadata={"description": "End of the period, exclusive"},
    )
    created_at = Timestamp(required=True, attribute="model.created_at")


ModelList = page_of(ModelOut)
